/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of guest addresses, for people: symbol tables of ELF files and System.map lists. One table
 * for the process, like the log; it is filled before the machine starts and then only read.
 */
#ifndef BASE_SYMBOLS_H
#define BASE_SYMBOLS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds the functions and objects that a file names. False with an error that names the file, and
 * nothing added. */
bool symbols_add_file(const char *path, GError **err);

/* "name" or "name+0x12" for the symbol that `addr` lies in, into buf; false (and an empty string)
 * when it lies in none. Any thread. */
bool symbols_name(uint64_t addr, char *buf, size_t size);

/* Where the symbol that `addr` lies in begins. Any thread. */
bool symbols_start(uint64_t addr, uint64_t *start);

/* The address of a symbol of exactly this name. Any thread. */
bool symbols_find(const char *name, uint64_t *addr);

/* Are there any? */
bool symbols_known(void);

/* Forgets all of them. */
void symbols_clear(void);

#endif
