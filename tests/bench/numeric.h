/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workloads of floating point: on the x87 in its full 80 bits, and in scalar double precision,
 * which is in SSE registers at 64 bits and on the x87 at 32.
 */
#ifndef TESTS_BENCH_NUMERIC_H
#define TESTS_BENCH_NUMERIC_H

#include <stdint.h>

/* Series and products in 80 bits, in registers and in memory. */
static uint32_t work_x87(void)
{
    static long double kept[64];
    long double x = 0.5L, s = 0;

    for (uint32_t i = 1; i < 3000000; i++) {
        long double t = x * 0.75L + 1 / (long double)((i & 1023) | 1);

        s += t * kept[i & 63];
        kept[i & 63] = t - x * 0.25L;
        x = t / (1 + x * x) - s * 1e-9L;
    }
    return (uint32_t)(int32_t)(x * 1e6L) ^ (uint32_t)(int32_t)(s * 100);
}

/* Square roots and quotients, independent of libm: instructions that take long anywhere. */
static uint32_t work_root(void)
{
    double s = 0;

    for (uint32_t i = 1; i < 3000000; i++) {
        double r;
#ifdef __x86_64__
        asm("sqrtsd %1, %0" : "=x"(r) : "x"((double)i));
#else
        asm("fsqrt" : "=t"(r) : "0"((double)i));
#endif
        s += r / (double)(i + 7);
    }
    return (uint32_t)(int32_t)(s * 1000);
}

/* Planets: sums of products over arrays of structures. */
static uint32_t work_planets(void)
{
    static struct {
        double x[3], v[3], mass;
    } b[5];
    double sum = 0;

    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 3; k++) {
            b[i].x[k] = (double)((i * 7 + k * 3) % 11) - 5;
            b[i].v[k] = (double)((i * 5 + k * 2) % 7) / 16 - 0.2;
        }
        b[i].mass = i ? 0.03125 : 39.5;
    }
    for (int step = 0; step < 300000; step++) {
        for (int i = 0; i < 5; i++) {
            for (int j = i + 1; j < 5; j++) {
                double d[3], r2 = 0.25, m;

                for (int k = 0; k < 3; k++) {
                    d[k] = b[i].x[k] - b[j].x[k];
                    r2 += d[k] * d[k];
                }
                m = 0.001 / (r2 * r2);
                for (int k = 0; k < 3; k++) {
                    b[i].v[k] -= d[k] * b[j].mass * m;
                    b[j].v[k] += d[k] * b[i].mass * m;
                }
            }
        }
        for (int i = 0; i < 5; i++)
            for (int k = 0; k < 3; k++)
                b[i].x[k] += 0.001 * b[i].v[k];
    }
    for (int i = 0; i < 5; i++)
        sum += b[i].x[0] + b[i].x[1] + b[i].x[2];
    return (uint32_t)(int32_t)(sum * 1000);
}

/* Mandelbrot's set: multiply, add, compare and branch. */
static uint32_t work_mandelbrot(void)
{
    uint32_t inside = 0;

    for (int row = 0; row < 400; row++) {
        for (int col = 0; col < 600; col++) {
            double cr = (double)col / 200 - 2, ci = (double)row / 200 - 1, r = 0, i = 0;
            int n = 0;

            while (n < 100 && r * r + i * i < 4) {
                double t = r * r - i * i + cr;

                i = 2 * r * i + ci;
                r = t;
                n++;
            }
            inside += (uint32_t)n;
        }
    }
    return inside;
}

/* A matrix factorised, as LINPACK does. */
static uint32_t work_linpack(void)
{
    enum { N = 150 };
    static double a[N][N];
    double product = 0;

    for (int round = 0; round < 24; round++) {
        uint32_t x = 1325;

        for (int i = 0; i < N; i++) {
            for (int k = 0; k < N; k++) {
                x = x * 3125 % 65536;
                a[i][k] = ((double)x - 32768) / 16384;
            }
            a[i][i] += 40;
        }
        for (int c = 0; c < N; c++) {
            for (int i = c + 1; i < N; i++) {
                double f = a[i][c] / a[c][c];

                for (int k = c; k < N; k++)
                    a[i][k] -= f * a[c][k];
            }
        }
        for (int i = 0; i < N; i++)
            product += a[i][i];
    }
    return (uint32_t)(int32_t)(product * 100);
}

#endif
