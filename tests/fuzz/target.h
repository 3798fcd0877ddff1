/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzz target: one of these a program, linked either with libFuzzer (libfuzzer.c) or with a main
 * that makes inputs from a fixed seed (fixed.c).
 */
#ifndef TESTS_FUZZ_TARGET_H
#define TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* The longest input that means anything. */
extern const size_t fuzz_max_len;

/* Tries one case; a finding ends the process (a sanitizer, an invariant, fuzz_expect). */
void fuzz_one(const uint8_t *data, size_t size);

/* Prints to stderr what is known of the case under way, which has failed. */
void fuzz_show(void);

/* Prints what does not hold and ends the process so that libFuzzer keeps the input. */
__attribute__((noreturn)) void fuzz_failed(const char *file, int line, const char *what);

#define fuzz_expect(cond)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0))                                                          \
            fuzz_failed(__FILE__, __LINE__, #cond);                                                \
    } while (0)

/* Before the first case. */
void fuzz_begin(void);

#endif
