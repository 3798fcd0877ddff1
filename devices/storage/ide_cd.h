/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command set of the CD/DVD-ROM drive, between the PACKET protocol and the medium. */
#ifndef DEVICES_STORAGE_IDE_CD_H
#define DEVICES_STORAGE_IDE_CD_H

#include "devices/storage/ide_atapi.h"

#define CD_SECTOR     2048u
#define CD_RAW_SECTOR 2352u

/* Media with more sectors than an 80-minute CD (and some overburn) holds are taken for DVDs. */
#define CD_MAX_SECTORS 400000u

/* Called by ide_atapi.c: cd.cdb is complete; the buffer has been sent; it has been received. */
void ide_cd_execute(struct ide_unit *u);
void ide_cd_continue(struct ide_unit *u);
void ide_cd_received(struct ide_unit *u);
void ide_cd_reset(struct ide_unit *u, enum ide_reset how);

/* A medium lies in the closed tray. */
static inline bool ide_cd_ready(const struct ide_unit *u)
{
    return u->block && !u->keep.tray_open;
}

static inline bool ide_cd_is_dvd(const struct ide_unit *u)
{
    return u->sectors > CD_MAX_SECTORS;
}

/* Another medium lies in the closed tray, or (NULL) it is empty, and open: as one's finger leaves
 * it. Sets attention and events. */
void ide_cd_change(struct ide_unit *u, struct block *block);

/* Opens and closes the tray, with what happens to lie in it. */
void ide_cd_open_tray(struct ide_unit *u);
void ide_cd_close_tray(struct ide_unit *u);

/* One command each, in ide_cd_info.c, ide_cd_mode.c. */
void ide_cd_read_toc(struct ide_unit *u);
void ide_cd_read_subchannel(struct ide_unit *u);
void ide_cd_read_disc_info(struct ide_unit *u);
void ide_cd_read_track_info(struct ide_unit *u);
void ide_cd_read_dvd_structure(struct ide_unit *u);
void ide_cd_get_configuration(struct ide_unit *u);
void ide_cd_get_event(struct ide_unit *u);
void ide_cd_mechanism_status(struct ide_unit *u);
void ide_cd_mode_sense(struct ide_unit *u);
void ide_cd_mode_select(struct ide_unit *u);
void ide_cd_mode_received(struct ide_unit *u);
void ide_cd_mode_reset(struct ide_unit *u);

/* READ CD: bytes a sector of which the parts `parts` (byte 9 of the command) are wanted. */
uint32_t ide_cd_raw_size(uint8_t parts);

/* Builds those parts of mode 1 sector `lba` from its 2048 bytes of data; returns how many bytes. */
uint32_t ide_cd_raw_build(uint8_t *out, uint8_t parts, uint32_t lba, const uint8_t *data);

/* Absolute minute, second and frame of `lba`, in binary, as three bytes. */
void ide_cd_msf(uint8_t *p, uint32_t lba);

static inline uint32_t ld_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t ld_be24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint16_t ld_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void st_be32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static inline void st_be16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

#endif
