/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real-time clock. Motorola MC146818A data sheet: time registers and their formats, registers A
 * to D, update cycle, interrupts. The century byte is where PCs and ACPI expect it, at 0x32.
 *
 * The divider runs with the virtual clock; the time is its seconds plus `base`. The registers in
 * cmos[] are brought up to date when a second has passed and somebody looks; flags likewise, and a
 * timer runs only for what would raise the interrupt.
 */
#include "devices/pc/rtc.h"

#include "base/bits.h"
#include "base/lint.h"
#include "base/log.h"

#include <time.h>

enum {
    REG_SEC = 0,
    REG_SEC_ALARM = 1,
    REG_MIN = 2,
    REG_MIN_ALARM = 3,
    REG_HOUR = 4,
    REG_HOUR_ALARM = 5,
    REG_WEEKDAY = 6,
    REG_DAY = 7,
    REG_MONTH = 8,
    REG_YEAR = 9,
    REG_A = 10,
    REG_B = 11,
    REG_C = 12,
    REG_D = 13,
    REG_CENTURY = 0x32,

    A_UIP = 0x80,
    A_DIVIDER = 0x70,
    A_DIVIDER_32K = 0x20,
    B_SET = 0x80,
    B_PIE = 0x40,
    B_AIE = 0x20,
    B_UIE = 0x10,
    B_SQWE = 0x08,
    B_BINARY = 0x04,
    B_24H = 0x02,
    C_IRQF = 0x80,
    C_PF = 0x40,
    C_AF = 0x20,
    C_UF = 0x10,
    D_VALID = 0x80,
};

#define UPDATE_NS       2228000 /* UIP is up for 244 + 1984 us, until the second changes */
#define HALF_SEC        (NS_PER_SEC / 2)
#define SECONDS_PER_DAY 86400

struct rtc {
    struct device dev;
    struct rtc_config cfg;
    struct bus_region ports;
    struct timer timer;

    uint8_t cmos[256];
    uint8_t index[2];
    int64_t phase;    /* the divider's ns are the virtual clock's plus this; 0..999999999 */
    int64_t base;     /* the divider's second 0, in seconds since 1970 */
    int64_t shown;    /* the second of the divider that cmos[] holds */
    int64_t updated;  /* the divider's last second whose update cycle was accounted for */
    int64_t periodic; /* the same for the periodic tick, in 1/32768 s */

    /* for strict mode; not state */
    struct {
        uint8_t guarded;  /* registers that may be read before one must ask again */
        int8_t unguarded; /* a register read without that, -1 when none */
        int16_t half;     /* an index was written and its data not touched; -1 when none */
    } lint;
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The divider's count, in ns and in whole seconds; never negative. */
static int64_t div_ns(const struct rtc *r)
{
    return clock_now(r->cfg.clock) + r->phase;
}

static int64_t div_sec(const struct rtc *r)
{
    return div_ns(r) / NS_PER_SEC;
}

/* 32768 Hz ticks in so many ns, and the first ns of a tick. */
static int64_t ticks_at(int64_t ns)
{
    return (int64_t)muldiv64((uint64_t)ns, 32768, NS_PER_SEC);
}

static int64_t ns_of_ticks(int64_t ticks)
{
    return ticks / 32768 * NS_PER_SEC + (ticks % 32768 * NS_PER_SEC + 32767) / 32768;
}

static bool divider_runs(const struct rtc *r)
{
    return (r->cmos[REG_A] & A_DIVIDER) == A_DIVIDER_32K;
}

static bool updates_run(const struct rtc *r)
{
    return divider_runs(r) && !(r->cmos[REG_B] & B_SET);
}

static uint8_t to_reg(const struct rtc *r, unsigned v)
{
    return (uint8_t)(r->cmos[REG_B] & B_BINARY ? v : v / 10 % 10 << 4 | v % 10);
}

static unsigned from_reg(const struct rtc *r, uint8_t v)
{
    return r->cmos[REG_B] & B_BINARY ? v : (v >> 4) * 10u + (v & 15);
}

static uint8_t hour_to_reg(const struct rtc *r, unsigned hour)
{
    if (r->cmos[REG_B] & B_24H)
        return to_reg(r, hour);
    return (uint8_t)(to_reg(r, (hour + 11) % 12 + 1) | (hour >= 12 ? 0x80 : 0));
}

static unsigned hour_from_reg(const struct rtc *r, uint8_t v)
{
    if (r->cmos[REG_B] & B_24H)
        return from_reg(r, v);
    return from_reg(r, v & 0x7f) % 12 + (v & 0x80 ? 12 : 0);
}

/* Days from 1 January 1970 to the day of the proleptic Gregorian calendar; month from 1, day may be
 * any number. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    /* years that begin in March have their leap day last */
    int64_t y = year - (month <= 2), m = (month + 9) % 12;

    return 365 * y + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) + (153 * m + 2) / 5 +
           day - 1 - 719468;
}

/* Writes the time of the divider's second `at` into the registers. */
static void show(struct rtc *r, int64_t at)
{
    int64_t sec = r->base + at;
    int64_t days = floor_div(sec, SECONDS_PER_DAY), in_day = sec - days * SECONDS_PER_DAY;
    time_t t = (time_t)sec;
    struct tm tm;

    r->shown = at;
    if (!gmtime_r(&t, &tm))
        memset(&tm, 0, sizeof(tm));
    r->cmos[REG_SEC] = to_reg(r, (unsigned)(in_day % 60));
    r->cmos[REG_MIN] = to_reg(r, (unsigned)(in_day / 60 % 60));
    r->cmos[REG_HOUR] = hour_to_reg(r, (unsigned)(in_day / 3600));
    r->cmos[REG_WEEKDAY] = to_reg(r, (unsigned)tm.tm_wday + 1);
    r->cmos[REG_DAY] = to_reg(r, (unsigned)tm.tm_mday);
    r->cmos[REG_MONTH] = to_reg(r, (unsigned)tm.tm_mon + 1);
    r->cmos[REG_YEAR] = to_reg(r, (unsigned)(tm.tm_year + 1900) % 100);
    r->cmos[REG_CENTURY] = to_reg(r, (unsigned)(tm.tm_year + 1900) / 100 % 100);
}

/* The second that the registers stand for, whatever the guest wrote there. */
static int64_t registers_sec(const struct rtc *r)
{
    int64_t year = from_reg(r, r->cmos[REG_CENTURY]) * 100 + from_reg(r, r->cmos[REG_YEAR]);
    int64_t month = CLAMP(from_reg(r, r->cmos[REG_MONTH]), 1, 12);
    int64_t days = days_from_date(year, month, from_reg(r, r->cmos[REG_DAY]));

    return days * SECONDS_PER_DAY + hour_from_reg(r, r->cmos[REG_HOUR]) * 3600 +
           from_reg(r, r->cmos[REG_MIN]) * 60 + from_reg(r, r->cmos[REG_SEC]);
}

/* The two high bits of an alarm byte set mean "any". */
static bool alarm_matches(uint8_t alarm, uint8_t now)
{
    return (alarm & 0xc0) == 0xc0 || alarm == now;
}

/* The divider's first second after `at` when the alarm goes off, or INT64_MAX. Steps by hours, then
 * minutes, then seconds. */
static int64_t next_alarm(const struct rtc *r, int64_t at)
{
    int64_t sec = r->base + at, t = sec + 1, end = sec + SECONDS_PER_DAY;

    while (t <= end) {
        int64_t in_day = t - floor_div(t, SECONDS_PER_DAY) * SECONDS_PER_DAY;

        if (!alarm_matches(r->cmos[REG_HOUR_ALARM], hour_to_reg(r, (unsigned)(in_day / 3600))))
            t += 3600 - in_day % 3600;
        else if (!alarm_matches(r->cmos[REG_MIN_ALARM], to_reg(r, (unsigned)(in_day / 60 % 60))))
            t += 60 - in_day % 60;
        else if (!alarm_matches(r->cmos[REG_SEC_ALARM], to_reg(r, (unsigned)(in_day % 60))))
            t++;
        else
            return t - r->base;
    }
    return INT64_MAX;
}

/* The periodic interrupt's period in 1/32768 s, 0 when it is off. */
static int64_t period(const struct rtc *r)
{
    unsigned rate = r->cmos[REG_A] & 15;

    if (!rate || !divider_runs(r))
        return 0;
    return INT64_C(1) << (rate < 3 ? rate + 6 : rate - 1);
}

static void update_irq(struct rtc *r)
{
    uint8_t *c = &r->cmos[REG_C];

    *c &= (uint8_t)~C_IRQF;
    if (*c & r->cmos[REG_B] & (C_PF | C_AF | C_UF))
        *c |= C_IRQF;
    irq_set(r->cfg.irq8, *c & C_IRQF);
}

/* Arms the timer for the next flag that raises the interrupt; one that is up already needs none. */
static void arm(struct rtc *r)
{
    uint8_t wanted = r->cmos[REG_B] & (uint8_t)~r->cmos[REG_C];
    int64_t at = INT64_MAX, p = period(r), alarm;

    if (r->cmos[REG_C] & C_IRQF) /* but the alarm, which more than the interrupt waits for */
        wanted &= r->cfg.alarm ? B_AIE : 0;
    if (updates_run(r) && (wanted & B_UIE))
        at = (r->updated + 1) * NS_PER_SEC;
    if (updates_run(r) && (wanted & B_AIE)) {
        alarm = next_alarm(r, r->updated);
        if (alarm != INT64_MAX)
            at = MIN(at, alarm * NS_PER_SEC);
    }
    if (p && (wanted & B_PIE))
        at = MIN(at, ns_of_ticks((r->periodic / p + 1) * p));
    if (at == INT64_MAX)
        timer_cancel(&r->timer);
    else
        timer_arm(&r->timer, at - r->phase);
}

/* Brings flags and registers up to the present. */
static void catch_up(struct rtc *r)
{
    int64_t sec = div_sec(r), ticks = ticks_at(div_ns(r)), p = period(r);
    bool alarm = false;

    if (updates_run(r)) {
        if (sec > r->updated) {
            r->cmos[REG_C] |= C_UF;
            if (next_alarm(r, r->updated) <= sec) {
                alarm = !(r->cmos[REG_C] & C_AF);
                r->cmos[REG_C] |= C_AF;
            }
        }
        if (sec != r->shown)
            show(r, sec);
    }
    if (p && ticks / p > r->periodic / p)
        r->cmos[REG_C] |= C_PF;
    r->updated = sec;
    r->periodic = ticks;
    update_irq(r);
    if (alarm && (r->cmos[REG_B] & B_AIE) && r->cfg.alarm)
        r->cfg.alarm(r->cfg.opaque);
}

static void rtc_fire(void *opaque)
{
    struct rtc *r = opaque;

    catch_up(r);
    arm(r);
}

/* The registers were written: the time follows them, the divider's phase stays. They are shown as
 * written until the next second. */
static void adopt_registers(struct rtc *r)
{
    r->base = registers_sec(r) - div_sec(r);
    r->shown = div_sec(r);
}

/* The divider leaves its reset: the first update comes half a second later. */
static void start_divider(struct rtc *r)
{
    int64_t frac = div_ns(r) % NS_PER_SEC;

    r->phase = (r->phase + HALF_SEC + NS_PER_SEC - frac) % NS_PER_SEC;
    r->updated = div_sec(r);
    r->periodic = ticks_at(div_ns(r));
    adopt_registers(r);
}

static void write_a(struct rtc *r, uint8_t val)
{
    bool ran = divider_runs(r);

    r->cmos[REG_A] = val & 0x7f;
    if (divider_runs(r) && !ran)
        start_divider(r);
}

static void write_b(struct rtc *r, uint8_t val)
{
    uint8_t old = r->cmos[REG_B];

    if (val & B_SET)
        val &= (uint8_t)~B_UIE;
    r->cmos[REG_B] = val;
    if (!divider_runs(r))
        return;
    if ((old & B_SET) && !(val & B_SET))
        adopt_registers(r);
    else if (!(val & B_SET) && ((old ^ val) & (B_BINARY | B_24H)))
        show(r, div_sec(r));
}

static bool time_register(unsigned index)
{
    return index == REG_CENTURY || (index <= REG_YEAR && index != REG_SEC_ALARM &&
                                    index != REG_MIN_ALARM && index != REG_HOUR_ALARM);
}

/* ---- strict mode ---- */

/* What an asker can read in the 244 us that are left to him at least. Counted and not timed: it is
 * not his fault if the host stops us meanwhile. */
#define GUARDED_READS 16

/* The guest has asked whether the time may be read. What it read before it can throw away. */
static void lint_asked(struct rtc *r, unsigned index, uint8_t val)
{
    bool quiet = index == REG_A ? !(val & A_UIP) : val & (C_UF | C_PF | C_AF);

    r->lint.unguarded = -1;
    if (quiet)
        r->lint.guarded = GUARDED_READS;
    else if (index == REG_A)
        r->lint.guarded = 0;
}

static void lint_time_read(struct rtc *r, unsigned index)
{
    if (!updates_run(r))
        return;
    if (r->lint.guarded) {
        r->lint.guarded--;
        return;
    }
    /* one may be read to be thrown away, or again and again until it changes */
    if (r->lint.unguarded >= 0 && r->lint.unguarded != (int)index)
        lint_report(LINT_RTC_READ,
                    "rtc: registers %d and %u of the time read with no look at UIP (bit 7 of "
                    "register A)",
                    r->lint.unguarded, index);
    r->lint.unguarded = (int8_t)index;
}

static void lint_read(struct rtc *r, unsigned index, uint8_t val)
{
    if (index == REG_A || index == REG_C)
        lint_asked(r, index, val);
    else if (time_register(index) && index != REG_CENTURY)
        lint_time_read(r, index);
}

static void lint_write(const struct rtc *r, unsigned index, uint8_t val)
{
    uint8_t changed = r->cmos[REG_B] ^ val;

    if (index == REG_C || index == REG_D)
        lint_report_of(LINT_RTC_INDEX, index, "rtc: 0x%02x to register %c, which is read-only", val,
                       index == REG_C ? 'C' : 'D');
    else if (index == REG_B && updates_run(r) && !(val & B_SET) && (changed & (B_BINARY | B_24H)))
        lint_report(LINT_RTC_SET, "rtc: format changed (0x%02x to register B) with SET off", val);
    else if (time_register(index) && index != REG_CENTURY && updates_run(r))
        lint_report(LINT_RTC_SET, "rtc: register %u of the time written with SET off", index);
}

static bool lint_wanted(void)
{
    return lint_on(LINT_RTC_READ) || lint_on(LINT_RTC_SET) || lint_on(LINT_RTC_INDEX);
}

/* Each index is followed by one access to its data. */
static void lint_index(struct rtc *r, uint8_t index)
{
    if (r->lint.half >= 0)
        lint_report(LINT_RTC_INDEX,
                    "rtc: 0x%02x to port 0x70, and the access before, 0x%02x, was never finished "
                    "at 0x71",
                    index, (unsigned)r->lint.half);
    r->lint.half = index;
}

/* ---- ports ---- */

static void cmos_write(struct rtc *r, unsigned index, uint8_t val)
{
    catch_up(r);
    if (lint_wanted())
        lint_write(r, index, val);
    switch (index) {
    case REG_A: write_a(r, val); break;
    case REG_B: write_b(r, val); break;
    case REG_C:
    case REG_D: break; /* read-only */
    default:
        r->cmos[index] = val;
        if (time_register(index) && updates_run(r))
            adopt_registers(r);
        break;
    }
    update_irq(r);
    arm(r);
}

static uint8_t cmos_read(struct rtc *r, unsigned index)
{
    uint8_t val;

    catch_up(r);
    val = r->cmos[index];
    if (index == REG_A && updates_run(r) && div_ns(r) % NS_PER_SEC >= NS_PER_SEC - UPDATE_NS)
        val |= A_UIP;
    if (lint_wanted())
        lint_read(r, index, val);
    if (index == REG_C) {
        r->cmos[REG_C] = 0;
        update_irq(r);
        arm(r);
    }
    return val;
}

static uint64_t rtc_read(void *opaque, uint64_t off, unsigned size)
{
    struct rtc *r = opaque;

    (void)size;
    switch (off) {
    case 0: lint_report(LINT_RTC_INDEX, "rtc: port 0x70 is write-only"); return 0xff;
    case 1: r->lint.half = -1; return cmos_read(r, r->index[0]);
    case 2: return r->index[1];
    case 3: return cmos_read(r, 128 + r->index[1]);
    default: return 0xff;
    }
}

static void rtc_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct rtc *r = opaque;

    (void)size;
    switch (off) {
    case 0:
        lint_index(r, (uint8_t)val);
        r->index[0] = val & 0x7f;
        irq_set(r->cfg.nmi_mask, val & 0x80);
        break;
    case 1:
        r->lint.half = -1;
        cmos_write(r, r->index[0], (uint8_t)val);
        break;
    case 2: r->index[1] = val & 0x7f; break;
    case 3: r->cmos[128 + r->index[1]] = (uint8_t)val; break;
    }
}

static const struct bus_ops rtc_ops = {rtc_read, rtc_write, 1, 1};

int64_t rtc_host_time(bool local)
{
    time_t now = time(NULL);
    struct tm tm;

    if (local && localtime_r(&now, &tm))
        return (int64_t)now + tm.tm_gmtoff;
    return (int64_t)now;
}

void rtc_cmos_set(struct rtc *r, unsigned index, uint8_t val)
{
    if (index > REG_D && index < 256 && index != REG_CENTURY)
        r->cmos[index] = val;
}

uint8_t rtc_cmos_get(struct rtc *r, unsigned index)
{
    catch_up(r);
    return r->cmos[index & 255];
}

int64_t rtc_time(struct rtc *r)
{
    catch_up(r);
    return updates_run(r) ? r->base + div_sec(r) : registers_sec(r);
}

/* The RESET pin: time, alarm, formats and memory stay, they have a battery. */
static void rtc_reset(void *self)
{
    struct rtc *r = self;

    r->lint.guarded = 0;
    r->lint.unguarded = -1;
    r->lint.half = -1;
    r->cmos[REG_B] &= (uint8_t) ~(B_PIE | B_AIE | B_UIE | B_SQWE);
    r->cmos[REG_C] = 0;
    update_irq(r);
    arm(r);
    irq_set(r->cfg.nmi_mask, false);
}

static void rtc_post_load(void *self)
{
    struct rtc *r = self;

    r->index[0] &= 0x7f;
    r->index[1] &= 0x7f;
    r->phase = CLAMP(r->phase, 0, NS_PER_SEC - 1);
    r->updated = MAX(r->updated, 0);
    r->periodic = MAX(r->periodic, 0);
    r->lint.unguarded = -1;
    r->lint.half = -1;
    update_irq(r);
    arm(r);
}

static void rtc_destroy(void *self)
{
    struct rtc *r = self;

    timer_cancel(&r->timer);
    bus_unmap(&r->ports);
    g_free(r);
}

static const struct state_field fields[] = {
    STATE_KEEP(struct rtc, cmos),     STATE_ARRAY(struct rtc, index),
    STATE_KEEP(struct rtc, phase),    STATE_KEEP(struct rtc, base),
    STATE_KEEP(struct rtc, shown),    STATE_KEEP(struct rtc, updated),
    STATE_KEEP(struct rtc, periodic), STATE_END,
};

static const struct device_type rtc_type = {
    .name = "rtc",
    .version = 1,
    .fields = fields,
    .reset = rtc_reset,
    .post_load = rtc_post_load,
    .destroy = rtc_destroy,
};

struct rtc *rtc_new(const struct rtc_config *cfg, GError **err)
{
    struct rtc *r = g_new0(struct rtc, 1);

    r->cfg = *cfg;
    r->dev = (struct device){.type = &rtc_type, .self = r};
    timer_init(&r->timer, cfg->clock, rtc_fire, r);
    bus_region_init(&r->ports, "rtc", 4, &rtc_ops, r);
    if (!bus_map(cfg->ports, &r->ports, 0x70, err)) {
        g_free(r);
        return NULL;
    }
    r->cmos[REG_A] = A_DIVIDER_32K | 6; /* as every BIOS leaves it: 1024 Hz, 24 hours, BCD */
    r->cmos[REG_B] = B_24H;
    r->cmos[REG_D] = D_VALID;
    r->base = cfg->base;
    r->updated = div_sec(r);
    r->periodic = ticks_at(div_ns(r));
    show(r, div_sec(r));
    device_reset(&r->dev);
    return r;
}

struct device *rtc_device(struct rtc *r)
{
    return &r->dev;
}
