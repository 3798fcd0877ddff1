/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real-time clock and CMOS memory: an MC146818 with 128 bytes at ports 0x70/0x71 and a second
 * bank of 128 at 0x72/0x73. All calls with the device lock held.
 */
#ifndef DEVICES_PC_RTC_H
#define DEVICES_PC_RTC_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "devices/bus.h"
#include "devices/device.h"
#include "devices/irq.h"

struct rtc_config {
    struct bus *ports;
    struct vclock *clock;
    struct irq_line irq8;
    void (*alarm)(void *opaque); /* its alarm interrupt begins; may be NULL */
    void *opaque;
    struct irq_line nmi_mask; /* bit 7 of port 0x70; may go nowhere */
    /* What the clock shows when the virtual clock reads zero, in seconds since 1970 (broken down as
     * UTC: whoever wants local time adds the zone). rtc_host_time() is the usual choice. */
    int64_t base;
};

struct rtc;

/* NULL with an error when the ports are taken. */
struct rtc *rtc_new(const struct rtc_config *cfg, GError **err);
struct device *rtc_device(struct rtc *r);

/* The host's time now, in UTC or in its time zone, as rtc_config.base wants it. */
int64_t rtc_host_time(bool local);

/* Bytes 0..255 of the CMOS memory (from 128: the second bank). Setting the time's own registers
 * (0..13 and 50) has no effect. */
void rtc_cmos_set(struct rtc *r, unsigned index, uint8_t val);
uint8_t rtc_cmos_get(struct rtc *r, unsigned index);

/* The time that the clock shows, in seconds since 1970. */
int64_t rtc_time(struct rtc *r);

#endif
