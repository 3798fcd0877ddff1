/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A numeric program in C, compiled once for each level below: planets, a matrix factorised, a
 * Fourier transform, a spectral norm, roots and series in float, double and long double, and the
 * same sums in every rounding mode. Results are printed as hexadecimal floats, so that a last bit
 * shows.
 */
/* levels: v1 v2 v3 x87 */
#include <complex.h>
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 88172645463325252u;

/* In [0, 1): xorshift, so that it is the same everywhere. */
static double uniform(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (double)(seed >> 11) * 0x1p-53;
}

struct body {
    double x[3], v[3], mass;
};

static void planets(void)
{
    struct body b[5];
    double energy = 0;

    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 3; k++) {
            b[i].x[k] = 10 * uniform() * i;
            b[i].v[k] = uniform() - 0.5;
        }
        b[i].mass = i ? 0.03 * uniform() : 39.478;
    }
    for (int step = 0; step < 20000; step++) {
        for (int i = 0; i < 5; i++) {
            for (int j = i + 1; j < 5; j++) {
                double d[3], r2 = 0.01, m;

                for (int k = 0; k < 3; k++) {
                    d[k] = b[i].x[k] - b[j].x[k];
                    r2 += d[k] * d[k];
                }
                m = 0.001 / (r2 * sqrt(r2));
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
    for (int i = 0; i < 5; i++) {
        printf("planet %d: %a %a %a\n", i, b[i].x[0], b[i].x[1], b[i].x[2]);
        for (int k = 0; k < 3; k++)
            energy += 0.5 * b[i].mass * b[i].v[k] * b[i].v[k];
    }
    printf("energy %a = %.17g\n", energy, energy);
}

/* Solves a linear system by Gauss's elimination with pivots, and prints what is left over. */
static void linear_system(void)
{
    enum { N = 60 };
    static double a[N][N + 1], keep[N][N + 1], x[N];
    double worst = 0;

    for (int i = 0; i < N; i++)
        for (int k = 0; k <= N; k++)
            keep[i][k] = a[i][k] = uniform() - 0.5;
    for (int c = 0; c < N; c++) {
        int pivot = c;

        for (int i = c + 1; i < N; i++)
            if (fabs(a[i][c]) > fabs(a[pivot][c]))
                pivot = i;
        for (int k = 0; k <= N; k++) {
            double t = a[c][k];

            a[c][k] = a[pivot][k];
            a[pivot][k] = t;
        }
        for (int i = c + 1; i < N; i++) {
            double f = a[i][c] / a[c][c];

            for (int k = c; k <= N; k++)
                a[i][k] -= f * a[c][k];
        }
    }
    for (int i = N - 1; i >= 0; i--) {
        x[i] = a[i][N];
        for (int k = i + 1; k < N; k++)
            x[i] -= a[i][k] * x[k];
        x[i] /= a[i][i];
    }
    for (int i = 0; i < N; i++) {
        double r = -keep[i][N];

        for (int k = 0; k < N; k++)
            r += keep[i][k] * x[k];
        worst = fmax(worst, fabs(r));
    }
    printf("system: x0=%a x59=%a residue=%a\n", x[0], x[N - 1], worst);
    if (!(worst < 1e-9))
        printf("system: WRONG\n");
}

static void transform(float complex *v, int n, int sign)
{
    for (int i = 1, j = 0; i < n; i++) {
        int bit = n >> 1;

        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            float complex t = v[i];

            v[i] = v[j];
            v[j] = t;
        }
    }
    for (int len = 2; len <= n; len <<= 1) {
        float complex step = cexpf(sign * 2 * (float)M_PI / (float)len * I);

        for (int i = 0; i < n; i += len) {
            float complex w = 1;

            for (int k = 0; k < len / 2; k++, w *= step) {
                float complex a = v[i + k], b = v[i + k + len / 2] * w;

                v[i + k] = a + b;
                v[i + k + len / 2] = a - b;
            }
        }
    }
}

static void fourier(void)
{
    enum { N = 1024 };
    static float complex v[N], keep[N];
    float worst = 0;

    for (int i = 0; i < N; i++)
        keep[i] = v[i] = (float)uniform() + (float)uniform() * I;
    transform(v, N, 1);
    for (int i = 0; i < 4; i++)
        printf("fourier %d: %a %a\n", i, crealf(v[i]), cimagf(v[i]));
    transform(v, N, -1);
    for (int i = 0; i < N; i++)
        worst = fmaxf(worst, cabsf(v[i] / N - keep[i]));
    printf("fourier: there and back %a\n", worst);
    if (!(worst < 1e-3F))
        printf("fourier: WRONG\n");
}

/* Every function of math.h that has a result to print, over numbers of every size. */
static void functions(void)
{
    static const struct {
        const char *name;
        double (*fn)(double);
        float (*fnf)(float);
        long double (*fnl)(long double);
    } all[] = {
#define F(name) {#name, name, name##f, name##l}
        F(sin),   F(cos),   F(tan),   F(asin),  F(acos),  F(atan), F(sinh),   F(cosh),
        F(tanh),  F(asinh), F(acosh), F(atanh), F(exp),   F(exp2), F(expm1),  F(log),
        F(log2),  F(log10), F(log1p), F(cbrt),  F(sqrt),  F(erf),  F(erfc),   F(lgamma),
        F(floor), F(ceil),  F(trunc), F(rint),  F(round), F(logb), F(tgamma), F(nearbyint),
#undef F
    };

    for (size_t f = 0; f < sizeof(all) / sizeof(all[0]); f++) {
        uint64_t sum = 0, sumf = 0, suml = 0;

        for (int i = 0; i < 600; i++) {
            double x = ldexp(uniform() * 2 - 1, i % 60 - 30), y = all[f].fn(x);
            float z = all[f].fnf((float)x);
            long double w = all[f].fnl((long double)x * 1.000000000000000001L);
            uint64_t bits = 0, mant = 0;
            uint32_t bitsf = 0;

            y = isnan(y) ? 42 : y; /* a NaN's sign is nobody's business */
            z = isnan(z) ? 42 : z;
            w = isnan(w) ? 42 : w;
            memcpy(&bits, &y, sizeof(y));
            memcpy(&bitsf, &z, sizeof(z));
            memcpy(&mant, &w, sizeof(mant));
            sum = sum * 31 + bits;
            sumf = sumf * 31 + bitsf;
            suml = suml * 31 + mant;
        }
        printf("%s: %016llx %016llx %016llx\n", all[f].name, (unsigned long long)sum,
               (unsigned long long)sumf, (unsigned long long)suml);
    }
    printf("pow %a atan2 %a hypot %a fmod %a remainder %a fma %a\n", pow(1.1, 123.4),
           atan2(-0.3, -0.7), hypot(3e200, 4e200), fmod(1e17, 3.3), remainder(-7.7, 1.3),
           fma(1 + 0x1p-40, 1 - 0x1p-40, -1));
}

/* Series, conversions and quotients in each rounding mode, and the exceptions that they raise. */
static void rounding(void)
{
    static const struct {
        const char *name;
        int mode;
    } modes[] = {{"nearest", FE_TONEAREST},
                 {"down", FE_DOWNWARD},
                 {"up", FE_UPWARD},
                 {"zero", FE_TOWARDZERO}};

    for (size_t m = 0; m < 4; m++) {
        volatile double one = 1, s = 0;
        volatile float sf = 0;
        volatile long double sl = 0;
        long long whole = 0;

        feclearexcept(FE_ALL_EXCEPT);
        fesetround(modes[m].mode);
        for (int i = 1; i < 3000; i++) {
            s += one / i;
            sf += (float)one / (float)(i * i);
            sl += (long double)one / i;
            whole += llrint(s * 1000) + lrintf(sf * 1000) + llrintl(sl * 10);
        }
        printf("%s: %a %a %La %lld %x\n", modes[m].name, s, sf, sl, whole,
               fetestexcept(FE_ALL_EXCEPT));
        feclearexcept(FE_ALL_EXCEPT);
        s = 0x1p-1022;
        s = s * 0x1.8p-3;
        printf("%s: tiny %a %x", modes[m].name, s, fetestexcept(FE_ALL_EXCEPT));
        s = 0x1.fp1023;
        s = s * 3;
        printf(" huge %a %x", s, fetestexcept(FE_ALL_EXCEPT));
        s = -one / (one - 1);
        printf(" pole %a %x", s, fetestexcept(FE_ALL_EXCEPT));
        s = sqrt(one - 2);
        printf(" invalid %d %x\n", isnan(s), fetestexcept(FE_ALL_EXCEPT));
    }
    fesetround(FE_TONEAREST);
}

/* Integers as a compiler makes them into vectors: sums, minima, saturation, shuffles, divisions. */
static void integers(void)
{
    enum { N = 4096 };
    static uint8_t b[N];
    static int16_t h[N];
    static int32_t w[N];
    static uint64_t q[N];
    uint64_t sum = 0;
    int32_t least = INT32_MAX, most = INT32_MIN;
    unsigned bits = 0, zeros = 0;

    for (int i = 0; i < N; i++) {
        uniform();
        b[i] = (uint8_t)seed, h[i] = (int16_t)(seed >> 8), w[i] = (int32_t)(seed >> 24),
        q[i] = seed;
    }
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < N; i++)
            b[i] = (uint8_t)(b[i] + 37 > 255 ? 255 : b[i] + 37) ^ (uint8_t)round;
        for (int i = 0; i < N; i++)
            h[i] = (int16_t)((h[i] * 3 + b[i]) >> 1);
        for (int i = 0; i < N; i++)
            w[i] = w[i] * 5 + h[i] - (w[i] >> (round & 15));
        for (int i = 0; i < N; i++)
            q[i] = (q[i] << (i & 31)) + (uint32_t)w[i] * (uint64_t)b[N - 1 - i];
        for (int i = 0; i < N; i++)
            least = w[i] < least ? w[i] : least, most = w[i] > most ? w[i] : most;
        for (int i = 0; i < N; i++)
            bits += (unsigned)__builtin_popcountll(q[i]);
        for (int i = 0; i < N; i++)
            zeros += (unsigned)__builtin_ctzll(q[i] | 1u << 31) +
                     (unsigned)__builtin_clz((unsigned)w[i] | 1);
        for (int i = 0; i < N; i++)
            sum = sum * 3 + q[i] / (b[i] | 1u) + __builtin_bswap64(q[i]) % 1000003;
    }
    printf("integers: %016llx %d %d %u %u\n", (unsigned long long)sum, least, most, bits, zeros);
}

int main(void)
{
    planets();
    linear_system();
    fourier();
    functions();
    rounding();
    integers();
    return 0;
}
