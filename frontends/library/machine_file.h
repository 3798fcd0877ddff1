/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine as a file: NAME.ini in the library, editable by hand (docs/desktop.md lists its keys).
 * Here it is read, checked, changed, written, and turned into options of the command line, which
 * is how it is run. All functions: any one thread at a time; no locks.
 */
#ifndef FRONTENDS_LIBRARY_MACHINE_FILE_H
#define FRONTENDS_LIBRARY_MACHINE_FILE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "frontends/library/ini.h"

#define MACHINE_FILE_DISKS    3
#define MACHINE_FILE_MAX_NAME 64 /* bytes of a machine's name */

struct machine_file {
    char *path; /* for messages; relative names in the file are meant from its directory */
    char *name; /* the file's without its end */
    struct ini *ini;
};

/* A key there may be. */
struct machine_key {
    const char *section, *key;
    const char *value; /* when it is not said */
    const char *what;  /* for a person */
    /* True when the value makes sense; else *why (g_free) says in words why not. */
    bool (*check)(const char *value, char **why);
    const char *const *choices; /* the values there are, NULL at the end; NULL: see check */
};
const struct machine_key *machine_keys(unsigned *n);
const struct machine_key *machine_key(const char *section, const char *key); /* NULL: none such */

/* One with every value as it is when it is not said. */
struct machine_file *machine_file_new(const char *path);

/* Reads the file. NULL with one error, "PATH:LINE: ..." where a line is to blame; an unknown
 * section or key names the nearest known one. */
struct machine_file *machine_file_load(const char *path, GError **err);

/* The same of a text. */
struct machine_file *machine_file_parse(const char *path, const char *text, gsize len,
                                        GError **err);
void machine_file_free(struct machine_file *f); /* NULL: no effect */

/* A value, owned by `f`; that of the table when the file says none. The key is one of the table's.
 */
const char *machine_file_get(const struct machine_file *f, const char *section, const char *key);

/* Does the value, where it is said, make sense? Else *why (g_free; may be NULL) says why not. */
bool machine_key_check(const char *section, const char *key, const char *value, char **why);

/* Sets a value; what is the table's own is left unsaid, where it was. Not checked. */
void machine_file_set(struct machine_file *f, const char *section, const char *key,
                      const char *value);

/* Writes it to its path: all of it or, with an error, nothing. */
bool machine_file_save(const struct machine_file *f, GError **err);

/* A word of the command line, and the line of the file that it comes from (0: none). */
struct machine_word {
    char *word;
    unsigned line;
};

/* The options that make this machine: an array of struct machine_word, in pairs of option and
 * value or alone; g_array_unref. NULL with an error when [options] cannot be split into words. */
GArray *machine_file_words(const struct machine_file *f, GError **err);

/* The path of a file that the machine names, from its directory; NULL for "". g_free. */
char *machine_file_path(const struct machine_file *f, const char *name);

/* "disk", "disk2", ...: the section of disk n of MACHINE_FILE_DISKS. */
const char *machine_disk_section(unsigned n);

/* "8G", "512M": bytes, binary units; without one MiB. False when it is no size. */
bool machine_size(const char *text, uint64_t *bytes);

/* Forwards with blanks between as parameters of a network: ",hostfwd=A,hostfwd=B", or ""; g_free.
 */
char *machine_forwards(const char *list);

/* May a machine be called so: a file name that every tool can take. Else *why (g_free). */
bool machine_name_check(const char *name, char **why);

#endif
