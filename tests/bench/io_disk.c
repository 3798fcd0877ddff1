// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest's disk under load, past its page cache (O_DIRECT, Linux's own asynchronous requests):
 *   io_disk DEVICE read|write seq|rnd DEPTH COUNT
 * seq: 512 KiB a request, one after the other, from the start again at the end; rnd: 4 KiB at
 * places in a fixed pseudo-random order. DEPTH requests are always under way; COUNT is how many
 * there are.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "io.h"

#define MAX_DEPTH 64
#define SEQ_BYTES (512 << 10)
#define RND_BYTES 4096

struct load {
    int fd;
    int write, random;
    size_t len;
    uint64_t blocks; /* of len bytes, on the disk */
    uint64_t turn;
    uint32_t seed;
    aio_context_t ctx;
    struct iocb iocb[MAX_DEPTH];
    uint8_t *buffer;
};

static uint64_t next_block(struct load *l)
{
    if (!l->random)
        return l->turn++ % l->blocks;
    l->seed ^= l->seed << 13;
    l->seed ^= l->seed >> 17;
    l->seed ^= l->seed << 5;
    return l->seed % l->blocks;
}

static void submit(struct load *l, unsigned slot)
{
    struct iocb *cb = &l->iocb[slot];

    memset(cb, 0, sizeof(*cb));
    cb->aio_data = slot;
    cb->aio_fildes = (uint32_t)l->fd;
    cb->aio_lio_opcode = l->write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
    cb->aio_buf = (uintptr_t)(l->buffer + slot * l->len);
    cb->aio_nbytes = l->len;
    cb->aio_offset = (int64_t)(next_block(l) * l->len);
    need(syscall(SYS_io_submit, l->ctx, 1, &cb) == 1, "io_submit");
}

int main(int argc, char **argv)
{
    struct load l = {.seed = 2463534242u};
    struct io_event event[MAX_DEPTH];
    unsigned long depth, count, started, done = 0;
    uint64_t bytes = 0;

    need(argc == 6, "arguments");
    l.write = !strcmp(argv[2], "write");
    l.random = !strcmp(argv[3], "rnd");
    l.len = l.random ? RND_BYTES : SEQ_BYTES;
    depth = strtoul(argv[4], NULL, 10);
    count = strtoul(argv[5], NULL, 10);
    need(depth && depth <= MAX_DEPTH && depth <= count, "depth");
    l.fd = open(argv[1], O_RDWR | O_DIRECT);
    need(l.fd >= 0 && !ioctl(l.fd, BLKGETSIZE64, &bytes), argv[1]);
    l.blocks = bytes / l.len;
    l.buffer = mmap(NULL, depth * l.len, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    need(l.blocks && l.buffer != MAP_FAILED, "memory");
    memset(l.buffer, 0x5a, depth * l.len);
    need(!syscall(SYS_io_setup, MAX_DEPTH, &l.ctx), "io_setup");

    work_begins();
    for (started = 0; started < depth; started++)
        submit(&l, (unsigned)started);
    while (done < count) {
        long n = syscall(SYS_io_getevents, l.ctx, 1, MAX_DEPTH, event, NULL);

        need(n > 0, "io_getevents");
        for (long k = 0; k < n; k++) {
            need(event[k].res == (int64_t)l.len, "a request");
            done++;
            if (started < count) {
                submit(&l, (unsigned)event[k].data);
                started++;
            }
        }
    }
    work_ends();
    return 0;
}
