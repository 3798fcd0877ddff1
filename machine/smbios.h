/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board's SMBIOS tables and their entry point. DSP0134, System Management BIOS Reference
 * Specification 2.8.
 */
#ifndef MACHINE_SMBIOS_H
#define MACHINE_SMBIOS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/e820.h"

#define SMBIOS_FILE_TABLES "etc/smbios/smbios-tables"
#define SMBIOS_FILE_ANCHOR "etc/smbios/smbios-anchor"

struct smbios_config {
    uint8_t uuid[16];        /* in the order in which it is written (RFC 4122) */
    const char *product;     /* NULL: "Penumbra PC" */
    const char *serial;      /* NULL: not specified */
    const char *bios_vendor; /* NULL: SeaBIOS */
    const char *cpu_vendor;  /* e.g. "GenuineIntel"; NULL: Penumbra */
    const char *cpu_model;   /* the CPU's brand string; NULL: none */
    uint32_t cpu_signature;  /* CPUID leaf 1: EAX and EDX */
    uint32_t cpu_features;
    unsigned sockets;          /* 1..64 */
    unsigned cores_per_socket; /* >= 1; 255 at most are told */
    unsigned threads_per_socket;
    uint64_t low_size, high_size; /* RAM below and above 4 GiB */
};

struct smbios_blobs {
    GByteArray *tables;
    GByteArray *anchor; /* 31 bytes; address zero and checksums for that */
};

struct smbios_blobs *smbios_build(const struct smbios_config *cfg);
void smbios_blobs_free(struct smbios_blobs *b);

/* Copies the tables to `tables_gpa` and the anchor to `anchor_gpa` (on 16 bytes in
 * 0xf0000-0xfffff), with the address and checksums set. False when they do not fit in RAM. */
bool smbios_place(const struct smbios_blobs *b, const struct guest_ram *ram, uint32_t tables_gpa,
                  uint32_t anchor_gpa);

#endif
