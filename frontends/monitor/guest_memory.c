/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See guest_memory.h. */
#include "frontends/monitor/guest_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/out_file.h"
#include "cpu/peek.h"
#include "frontends/monitor/command.h"
#include "machine/machine.h"

#define PIECE (1u << 20)

gpa_t guest_memory_end(struct cpu *cpu)
{
    const struct memslots *g = memslots_now(cpu->slots);

    return g->used ? (g->slot[0].base_gfn + g->slot[0].npages) << PAGE_SHIFT : 0;
}

/* ---- to a file ---- */

struct save {
    struct monitor *mon;
    struct cpu *cpu; /* NULL: physical */
    uint64_t from, size;
    const char *file;
    int fd;
    GError *err;
};

/* The next piece of physical memory, page by page. */
static void read_bus(struct cpu *cpu, gpa_t gpa, uint8_t *buf, size_t len)
{
    for (size_t done = 0, n; done < len; done += n) {
        n = MIN(len - done, PAGE_SIZE - ((gpa + done) & ~PAGE_MASK));
        if (cpu_peek_physical(cpu, gpa + done, buf + done, n) != n)
            memset(buf + done, 0xff, n);
    }
}

static void save(void *opaque)
{
    struct save *s = opaque;
    struct cpu *first = machine_cpu(s->mon->machine, 0);
    uint8_t *buf = g_malloc(PIECE);

    if (!s->cpu &&
        (s->from > guest_memory_end(first) || s->size > guest_memory_end(first) - s->from)) {
        monitor_fail(&s->err, "there is no memory above 0x%" PRIx64, guest_memory_end(first));
        s->size = 0;
    }
    for (uint64_t done = 0; done < s->size && !s->err;) {
        size_t n = (size_t)MIN(s->size - done, PIECE);

        if (!s->cpu)
            read_bus(first, s->from + done, buf, n);
        else if (cpu_peek(s->cpu, s->from + done, buf, n) != n)
            monitor_fail(&s->err, "no memory is mapped at all of 0x%" PRIx64 ", %zu bytes",
                         s->from + done, n);
        if (!s->err && !out_file_write(s->fd, buf, n))
            monitor_fail(&s->err, "cannot write %s: %s", s->file, g_strerror(errno));
        done += n;
    }
    g_free(buf);
}

bool guest_save(struct monitor *mon, struct cpu *cpu, uint64_t from, uint64_t size,
                const char *file, GError **err)
{
    struct save s = {.mon = mon, .cpu = cpu, .from = from, .size = size, .file = file};
    bool ok;

    s.fd = out_file_open(file);
    if (s.fd < 0)
        return monitor_fail(err, "cannot write %s: %s", file, g_strerror(errno));
    ok = monitor_visit(mon, save, &s, err);
    if (close(s.fd) && !s.err && ok)
        monitor_fail(&s.err, "cannot write %s: %s", file, g_strerror(errno));
    if (s.err)
        g_propagate_error(err, s.err);
    return ok && !s.err;
}
