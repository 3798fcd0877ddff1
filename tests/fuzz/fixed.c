/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A main for a fuzz target without libFuzzer: a given number of inputs from a given seed, the same
 * each time, for the tests; or those in files, to look at a finding; or files made of such inputs,
 * for libFuzzer to start from.
 *
 *     fixed_X RUNS [SEED]          fixed_X corpus DIR RUNS [SEED]          fixed_X FILE...
 */
#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

#define MAX_LEN 4096

static uint8_t data[MAX_LEN];
static size_t size;
static const char *finding;

/* Lengths are spread over the shorter half more densely. */
static void make_input(uint64_t n, uint64_t seed)
{
    uint64_t rng = (n + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ (seed << 1 | 1);
    struct fuzz_input in;

    fuzz_rng(&rng);
    in = (struct fuzz_input){NULL, NULL, rng ? rng : 1};
    size = fuzz_rng(&rng) % fuzz_max_len;
    if (fuzz_rng(&rng) & 1)
        size /= 4;
    fuzz_fill(&in, data, size);
}

static int write_input(const char *path)
{
    FILE *f = fopen(path, "wb");

    if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0) {
        perror(path);
        return 1;
    }
    return 0;
}

/* The input that was being tried, for whoever wants to try it again. */
static void keep_finding(int sig)
{
    signal(sig, SIG_DFL);
    fprintf(stderr, "the input is in %s\n", finding);
    write_input(finding);
    raise(sig);
}

static int run(uint64_t runs, uint64_t seed)
{
    for (uint64_t n = 0; n < runs; n++) {
        make_input(n, seed);
        fuzz_one(data, size);
    }
    printf("%" PRIu64 " inputs of seed %" PRIu64 ", no finding\n", runs, seed);
    return 0;
}

static int make_corpus(const char *dir, uint64_t runs, uint64_t seed)
{
    char path[4096];
    int rc = 0;

    for (uint64_t n = 0; n < runs && !rc; n++) {
        make_input(n, seed);
        snprintf(path, sizeof(path), "%s/%" PRIu64 ".%" PRIu64, dir, seed, n);
        rc = write_input(path);
    }
    return rc;
}

static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");

    if (!f) {
        perror(path);
        return 1;
    }
    size = fread(data, 1, sizeof(data), f);
    fclose(f);
    fuzz_one(data, size);
    printf("%s: no finding\n", path);
    return 0;
}

int main(int argc, char **argv)
{
    int rc = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: %s RUNS [SEED] | corpus DIR RUNS [SEED] | FILE...\n", argv[0]);
        return 2;
    }
    fuzz_begin();
    if (argc > 3 && strcmp(argv[1], "corpus") == 0)
        return make_corpus(argv[2], strtoull(argv[3], NULL, 0),
                           argc > 4 ? strtoull(argv[4], NULL, 0) : 1);
    finding = getenv("FUZZ_FINDING") ? getenv("FUZZ_FINDING") : "finding";
    signal(SIGABRT, keep_finding);
    if (isdigit((unsigned char)argv[1][0]) && access(argv[1], F_OK) != 0)
        return run(strtoull(argv[1], NULL, 0), argc > 2 ? strtoull(argv[2], NULL, 0) : 1);
    for (int k = 1; k < argc && !rc; k++)
        rc = run_file(argv[k]);
    return rc;
}
