/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See media.h. ECMA-119 8.4 (primary volume descriptor), ECMA-167 2/9.1 (the volume recognition
 * sequence of UDF).
 */
#include "machine/media.h"

#include <string.h>

#include "backends/block.h"
#include "base/bits.h"
#include "base/error.h"

#define SECTOR       2048u
#define FIRST        16u /* sector of the first descriptor */
#define MAX_SEQUENCE 64u

/* Sectors that may be missing at the end: what recorders append to a track and readers leave out.
 */
#define SLACK 302u

enum {
    PVD_TYPE = 1,
    TERMINATOR = 255,
    AT_ID = 1,
    AT_SPACE = 80,  /* volume space size, logical blocks */
    AT_BLOCK = 128, /* logical block size */
};

static bool refuse(GError **err, const struct block *b, const char *why)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "CD image '%s' %s", block_name(b), why);
    return false;
}

static bool whole(const struct block *b, const uint8_t *pvd)
{
    uint64_t space = (uint64_t)ld_le32(pvd + AT_SPACE) * ld_le16(pvd + AT_BLOCK);

    return block_size(b) + SLACK * SECTOR >= space;
}

bool media_check_cd(struct block *b, GError **err)
{
    uint8_t d[SECTOR];

    for (unsigned k = FIRST; k < FIRST + MAX_SEQUENCE; k++) {
        if ((uint64_t)(k + 1) * SECTOR > block_size(b) ||
            block_read(b, (uint64_t)k * SECTOR, d, SECTOR))
            break;
        if (!memcmp(d + AT_ID, "NSR02", 5) || !memcmp(d + AT_ID, "NSR03", 5))
            return true;
        if (!memcmp(d + AT_ID, "CD001", 5) && d[0] == PVD_TYPE)
            return whole(b, d) ||
                   refuse(err, b, "is truncated: its volume is larger than the file");
        if (memcmp(d + AT_ID, "CD001", 5) && memcmp(d + AT_ID, "BEA01", 5))
            break;
    }
    return refuse(err, b, "is not a CD image: it has neither an ISO 9660 nor a UDF volume");
}
