/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets and their answers (gdb manual, E.2 to E.4): registers, memory, threads, breakpoints,
 * features, how to go on. An unknown packet has an empty answer. The vCPUs stand, the device lock
 * is held.
 */
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "base/mutant.h"
#include "frontends/gdb/regs.h"
#include "frontends/gdb/session_int.h"

#define E_FAULT   "E14" /* no such memory */
#define E_INVALID "E22"
/* What QEMU's packets about steps say. */
enum { SSTEP_ENABLE = 1, SSTEP_NO_IRQ = 2, SSTEP_NO_TIMER = 4, SSTEP_ALL = 7 };

#define MEM_MAX (GDB_PACKET_MAX / 2 - 16)

/* ---- registers ---- */

static void put_reg(struct gdb_session *s, GString *g, unsigned n)
{
    uint8_t value[GDB_REG_MAX];

    gdb_reg_get(gdb_cpu(s), n, value);
    gdb_put_hex(g, value, gdb_reg_size(n));
}

static void read_regs(struct gdb_session *s)
{
    GString *g = g_string_new(NULL);

    for (unsigned n = 0; n < gdb_regs_count(); n++)
        put_reg(s, g, n);
    gdb_send_bytes(s, g);
    g_string_free(g, TRUE);
}

static bool set_reg(struct gdb_session *s, unsigned n, const char **hex)
{
    uint8_t value[GDB_REG_MAX] = {0};
    size_t size = gdb_reg_size(n);

    return gdb_get_hex(hex, value, size) == size && gdb_reg_set(gdb_cpu(s), n, value);
}

/* All that are given; those that cannot be written stay. */
static void write_regs(struct gdb_session *s, const char *hex)
{
    const char *end = hex + strlen(hex);

    for (unsigned n = 0; n < gdb_regs_count(); n++) {
        size_t digits = gdb_reg_size(n) * 2;

        if ((size_t)(end - hex) < digits)
            break;
        const char *at = hex;

        set_reg(s, n, &at);
        hex += digits;
    }
    gdb_send(s, "OK");
}

static void read_reg(struct gdb_session *s, const char *p)
{
    GString *g;
    uint64_t n;

    if (!gdb_get_number(&p, &n) || n >= gdb_regs_count()) {
        gdb_send(s, E_INVALID);
        return;
    }
    g = g_string_new(NULL);
    put_reg(s, g, (unsigned)n);
    gdb_send_bytes(s, g);
    g_string_free(g, TRUE);
}

static void write_reg(struct gdb_session *s, const char *p)
{
    uint64_t n;
    bool ok = gdb_get_number(&p, &n) && n < gdb_regs_count() && *p++ == '=';

    gdb_send(s, ok && set_reg(s, (unsigned)n, &p) ? "OK" : E_INVALID);
}

/* ---- memory ---- */

/* "ADDRESS,LENGTH", with *p behind. */
static bool range(const char **p, uint64_t *addr, uint64_t *len)
{
    if (!gdb_get_number(p, addr) || *(*p)++ != ',')
        return false;
    return gdb_get_number(p, len);
}

static void read_memory(struct gdb_session *s, const char *p)
{
    uint64_t addr, len;
    uint8_t *buf;
    GString *g;
    size_t n;

    if (!range(&p, &addr, &len) || *p) {
        gdb_send(s, E_INVALID);
        return;
    }
    if (len > MEM_MAX)
        len = MEM_MAX;
    buf = g_malloc(len + 1);
    n = debugger_read(gdb_cpu(s), s->phys, addr, buf, len);
    if (n < len && !n) {
        gdb_send(s, E_FAULT);
    } else {
        g = g_string_new(NULL);
        gdb_put_hex(g, buf, n);
        gdb_send_bytes(s, g);
        g_string_free(g, TRUE);
    }
    g_free(buf);
}

static void store(struct gdb_session *s, uint64_t addr, const void *bytes, size_t len)
{
    size_t n = debugger_write(gdb_cpu(s), s->phys, addr, bytes, len);

    gdb_send(s, n == len ? "OK" : E_FAULT);
}

static void write_memory(struct gdb_session *s, const char *p)
{
    uint64_t addr, len;
    uint8_t *buf;

    if (!range(&p, &addr, &len) || *p++ != ':' || len > GDB_PACKET_MAX ||
        (strlen(p) != len * 2 && !MUTANT(gdb_hex_of_any_length))) {
        gdb_send(s, E_INVALID);
        return;
    }
    buf = g_malloc(len + 1);
    if (gdb_get_hex(&p, buf, len) == len)
        store(s, addr, buf, len);
    else
        gdb_send(s, E_INVALID);
    g_free(buf);
}

static void write_binary(struct gdb_session *s, const char *p, const char *end)
{
    uint64_t addr, len;

    if (!range(&p, &addr, &len) || *p++ != ':' || p > end ||
        (len != (uint64_t)(end - p) && !MUTANT(gdb_bytes_of_any_length)))
        gdb_send(s, E_INVALID);
    else
        store(s, addr, p, len);
}

/* ---- threads ---- */

/* A thread's number at *p: -1 is all, 0 any. */
static bool thread(const char **p, int64_t *n)
{
    uint64_t v;

    if (g_str_has_prefix(*p, "-1")) {
        *p += 2;
        *n = -1;
        return true;
    }
    if (!gdb_get_number(p, &v) || v > MACHINE_MAX_CPUS)
        return false;
    *n = (int64_t)v;
    return true;
}

static bool is_thread(const struct gdb_session *s, int64_t n)
{
    return n >= 1 && n <= machine_cpus(s->m);
}

static void set_thread(struct gdb_session *s, const char *p)
{
    char what = *p ? *p++ : 0;
    int64_t n;

    if ((what != 'g' && what != 'c') || !thread(&p, &n) || *p || (n > 0 && !is_thread(s, n))) {
        gdb_send(s, E_INVALID);
        return;
    }
    if (what == 'g' && n > 0)
        s->thread = (unsigned)n - 1;
    if (what == 'c')
        s->stepper = n > 0 ? (unsigned)n - 1 : ~0u;
    gdb_send(s, "OK");
}

static void thread_alive(struct gdb_session *s, const char *p)
{
    int64_t n;

    gdb_send(s, thread(&p, &n) && !*p && is_thread(s, n) ? "OK" : E_INVALID);
}

static void list_threads(struct gdb_session *s)
{
    GString *g = g_string_new("m");

    for (unsigned n = 0; n < machine_cpus(s->m); n++)
        g_string_append_printf(g, "%s%x", n ? "," : "", n + 1);
    gdb_send_bytes(s, g);
    g_string_free(g, TRUE);
}

static void thread_info(struct gdb_session *s, const char *p)
{
    GString *text, *g;
    int64_t n;

    if (!thread(&p, &n) || *p || !is_thread(s, n)) {
        gdb_send(s, E_INVALID);
        return;
    }
    text = g_string_new(NULL);
    g_string_printf(text, "CPU %u: ", (unsigned)n - 1);
    gdb_mode(machine_cpu(s->m, (unsigned)n - 1), text);
    g = g_string_new(NULL);
    gdb_put_hex(g, text->str, text->len);
    gdb_send_bytes(s, g);
    g_string_free(g, TRUE);
    g_string_free(text, TRUE);
}

/* ---- breakpoints ---- */

static void change_point(struct gdb_session *s, bool insert, const char *p)
{
    static const unsigned access[] = {0, 0, ACC_W, ACC_R, ACC_R | ACC_W};
    struct debug_point point = {.kind = DEBUG_CODE};
    unsigned type = (unsigned)g_ascii_digit_value(*p);
    uint64_t addr, len;

    if (type > 4) {
        gdb_send(s, "");
        return;
    }
    p++;
    if (*p++ != ',' || !range(&p, &addr, &len) || (*p && *p != ';')) {
        gdb_send(s, E_INVALID);
        return;
    }
    point.first = addr;
    point.owner = GDB_SOFT + type;
    if (type >= 2) {
        if (!len || addr + len - 1 < addr) {
            gdb_send(s, E_INVALID);
            return;
        }
        point.kind = DEBUG_WATCH;
        point.last = addr + len - 1;
        point.access = access[type];
    }
    if (insert)
        debugger_add(s->set, &point);
    else
        debugger_remove_like(s->set, &point);
    gdb_send(s, "OK");
}

/* ---- going on ---- */

/* The vCPUs that an action of vCont is for. */
static bool action_for(struct gdb_session *s, const char **p, uint64_t *cpus)
{
    uint64_t all = UINT64_MAX >> (64 - machine_cpus(s->m));
    int64_t n = -1;

    if (**p == ':') {
        ++*p;
        if (!thread(p, &n) || (n > 0 && !is_thread(s, n)))
            return false;
    }
    *cpus = n < 0 ? all : n == 0 ? UINT64_C(1) << s->thread : UINT64_C(1) << (n - 1);
    return true;
}

/* One action; the first that names a vCPU is the one that counts for it. */
static bool action(struct gdb_session *s, const char **p, uint64_t *seen)
{
    char what = *(*p)++;
    uint64_t lo = 0, hi = 0, cpus, signal;

    if ((what == 'C' || what == 'S') && !gdb_get_number(p, &signal))
        return false;
    if (what == 'r' && !range(p, &lo, &hi))
        return false;
    if (!strchr("cCsSr", what) || !what || !action_for(s, p, &cpus))
        return false;
    cpus &= ~*seen;
    *seen |= cpus;
    s->go |= cpus;
    if (what == 'c' || what == 'C')
        return true;
    s->steps |= cpus;
    for (unsigned n = 0; n < machine_cpus(s->m); n++) {
        if (cpus >> n & 1) {
            s->lo[n] = lo;
            s->hi[n] = hi;
        }
    }
    return true;
}

static void vcont(struct gdb_session *s, const char *p)
{
    uint64_t seen = 0;

    s->go = s->steps = 0;
    while (*p == ';') {
        p++;
        if (!action(s, &p, &seen)) {
            gdb_send(s, E_INVALID);
            return;
        }
    }
    if (*p || !s->go)
        gdb_send(s, E_INVALID);
    else
        s->after = GDB_RESUME;
}

/* c, C, s and S: with Hc before it a step is of that vCPU alone. */
void gdb_resume_command(struct gdb_session *s, const char *data)
{
    bool step = *data == 's' || *data == 'S';
    const char *p = data + 1;
    uint64_t v;

    if ((*data == 'C' || *data == 'S') && !gdb_get_number(&p, &v)) {
        gdb_send(s, E_INVALID);
        return;
    }
    if (*p == ';')
        p++;
    if (*p) {
        if (!gdb_get_number(&p, &v) || *p) {
            gdb_send(s, E_INVALID);
            return;
        }
        debugger_set_pc(gdb_cpu(s), v);
    }
    s->go = UINT64_MAX;
    s->steps = 0;
    if (step) {
        unsigned n = s->stepper == ~0u ? s->thread : s->stepper;

        s->steps = UINT64_C(1) << n;
        s->lo[n] = s->hi[n] = 0;
        if (s->stepper != ~0u)
            s->go = s->steps;
    }
    s->after = GDB_RESUME;
}

/* ---- queries ---- */

static void supported(struct gdb_session *s, const char *p)
{
    char text[200];

    s->swbreak = strstr(p, "swbreak+") != NULL;
    s->hwbreak = strstr(p, "hwbreak+") != NULL;
    g_snprintf(text, sizeof(text),
               "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;vContSupported+;swbreak+;"
               "hwbreak+",
               GDB_PACKET_MAX);
    gdb_send(s, text);
}

static void features(struct gdb_session *s, const char *p)
{
    const char *xml = gdb_regs_xml();
    uint64_t off, len;
    size_t total = strlen(xml);
    GString *g;

    if (!g_str_has_prefix(p, "target.xml:")) {
        gdb_send(s, "E00");
        return;
    }
    p += strlen("target.xml:");
    if (!range(&p, &off, &len) || *p) {
        gdb_send(s, E_INVALID);
        return;
    }
    if (len > MEM_MAX)
        len = MEM_MAX;
    off = off < total ? off : total;
    g = g_string_new(off + len < total ? "m" : "l");
    g_string_append_len(g, xml + off, (gssize)(len < total - off ? len : total - off));
    gdb_send_bytes(s, g);
    g_string_free(g, TRUE);
}

static void monitor(struct gdb_session *s, const char *hex)
{
    char line[512] = "";
    size_t n = gdb_get_hex(&hex, line, sizeof(line) - 1);

    line[n] = 0;
    gdb_monitor(s, line);
}

static void query(struct gdb_session *s, const char *p)
{
    char text[40];

    if (g_str_has_prefix(p, "Supported")) {
        supported(s, p);
    } else if (g_str_has_prefix(p, "Xfer:features:read:")) {
        features(s, p + strlen("Xfer:features:read:"));
    } else if (!strcmp(p, "fThreadInfo")) {
        list_threads(s);
    } else if (!strcmp(p, "sThreadInfo")) {
        gdb_send(s, "l");
    } else if (g_str_has_prefix(p, "ThreadExtraInfo,")) {
        thread_info(s, p + strlen("ThreadExtraInfo,"));
    } else if (!strcmp(p, "C")) {
        g_snprintf(text, sizeof(text), "QC%x", s->thread + 1);
        gdb_send(s, text);
    } else if (!strcmp(p, "Attached") || g_str_has_prefix(p, "Attached:")) {
        gdb_send(s, "1");
    } else if (!strcmp(p, "qemu.sstepbits")) {
        g_snprintf(text, sizeof(text), "ENABLE=%x,NOIRQ=%x,NOTIMER=%x", SSTEP_ENABLE, SSTEP_NO_IRQ,
                   SSTEP_NO_TIMER);
        gdb_send(s, text);
    } else if (!strcmp(p, "qemu.sstep")) {
        g_snprintf(text, sizeof(text), "0x%x",
                   SSTEP_ENABLE | SSTEP_NO_TIMER | (s->let_in ? 0 : SSTEP_NO_IRQ));
        gdb_send(s, text);
    } else if (!strcmp(p, "qemu.PhyMemMode")) {
        gdb_send(s, s->phys ? "1" : "0");
    } else if (g_str_has_prefix(p, "Rcmd,")) {
        monitor(s, p + strlen("Rcmd,"));
    } else {
        gdb_send(s, "");
    }
}

/* QEMU's own packets have the words of two monitor commands: "maintenance packet Qqemu.sstep=1" is
 * "monitor step-interrupts on". Steps end by themselves, and the clock stands between them, in any
 * case. */
static void set(struct gdb_session *s, const char *p)
{
    uint64_t v;

    if (!strcmp(p, "StartNoAckMode")) {
        gdb_send(s, "OK");
        s->no_ack = true;
    } else if (g_str_has_prefix(p, "qemu.sstep=")) {
        p += strlen("qemu.sstep=");
        p += g_str_has_prefix(p, "0x") ? 2 : 0;
        if (gdb_get_number(&p, &v) && !*p && (v & SSTEP_ENABLE) && v <= SSTEP_ALL) {
            s->let_in = !(v & SSTEP_NO_IRQ);
            gdb_send(s, "OK");
        } else {
            gdb_send(s, E_INVALID);
        }
    } else if (!strcmp(p, "qemu.PhyMemMode:0") || !strcmp(p, "qemu.PhyMemMode:1")) {
        s->phys = p[strlen(p) - 1] == '1';
        gdb_send(s, "OK");
    } else {
        gdb_send(s, "");
    }
}

static void v_packet(struct gdb_session *s, const char *p)
{
    if (!strcmp(p, "Cont?")) {
        gdb_send(s, "vCont;c;C;s;S;r");
    } else if (g_str_has_prefix(p, "Cont;")) {
        vcont(s, p + strlen("Cont"));
    } else if (g_str_has_prefix(p, "Kill;")) {
        gdb_send(s, "OK");
        s->after = GDB_KILL;
    } else {
        gdb_send(s, "");
    }
}

void gdb_command(struct gdb_session *s, const char *data, size_t len)
{
    const char *p = data + 1;

    switch (*data) {
    case '?': gdb_report(s, s->stop_thread, &s->stop); break;
    case 'g': read_regs(s); break;
    case 'G': write_regs(s, p); break;
    case 'p': read_reg(s, p); break;
    case 'P': write_reg(s, p); break;
    case 'm': read_memory(s, p); break;
    case 'M': write_memory(s, p); break;
    case 'X': write_binary(s, p, data + len); break;
    case 'c':
    case 'C':
    case 's':
    case 'S': gdb_resume_command(s, data); break;
    case 'H': set_thread(s, p); break;
    case 'T': thread_alive(s, p); break;
    case 'Z': change_point(s, true, p); break;
    case 'z': change_point(s, false, p); break;
    case 'q': query(s, p); break;
    case 'Q': set(s, p); break;
    case 'v': v_packet(s, p); break;
    case 'D':
        gdb_send(s, "OK");
        s->after = GDB_DETACH;
        break;
    case 'k': s->after = GDB_KILL; break;
    default: gdb_send(s, ""); break;
    }
}
