/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See pflash.h. Commands and the status register: Intel StrataFlash J3 datasheet 290667, "Bus
 * operations" to "Status register"; the query table: Common Flash Memory Interface, JESD68.01, and
 * Intel AP-646 for its primary extended part. Blocks are locked one by one and until the next
 * reset, as on later chips of the family.
 *
 * One thing is not the chip's: after Clear Status Register the status reads as 00 until the next
 * operation, without its "ready". That is how OVMF tells flash from RAM and ROM.
 */
#include "devices/storage/pflash.h"

#include <string.h>
#include <sys/mman.h>

#include "backends/block.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"

#define BUFFER      256u                /* bytes that one buffered program takes */
#define MAX_BLOCKS  4096u               /* of which there are lock bits */
#define LATEST_NS   (INT64_C(20000000)) /* to the image, for guests that never ask */
#define SECTOR_MASK (~UINT64_C(511))

enum command {
    CMD_PROGRAM_ALT = 0x10,
    CMD_ERASE = 0x20,
    CMD_PROGRAM = 0x40,
    CMD_CLEAR_STATUS = 0x50,
    CMD_LOCK = 0x60,
    CMD_READ_STATUS = 0x70,
    CMD_READ_ID = 0x90,
    CMD_QUERY = 0x98,
    CMD_SUSPEND = 0xb0,
    CMD_CONFIRM = 0xd0, /* also resume, and unlock */
    CMD_BUFFER = 0xe8,
    CMD_READ_ARRAY = 0xff,
};

enum { LOCK_SET = 0x01 };

enum status {
    SR_LOCKED = 0x02,
    SR_PROGRAM_ERROR = 0x10,
    SR_ERASE_ERROR = 0x20,
    SR_READY = 0x80,
};

/* What reads give. */
enum view { VIEW_ARRAY, VIEW_STATUS, VIEW_ID, VIEW_QUERY };

/* What the next write is. */
enum expect {
    EXPECT_COMMAND,
    EXPECT_BYTE,
    EXPECT_ERASE,
    EXPECT_LOCK,
    EXPECT_COUNT,
    EXPECT_DATA,
    EXPECT_BUFFER_END
};

enum { MAKER = 0x89, CHIP = 0x18 }; /* Intel; a StrataFlash */

struct pflash {
    struct device dev;
    struct bus_region region;
    struct pflash_config cfg;
    uint64_t size;
    uint8_t *data; /* of the whole chip */
    bool shown;

    /* the image */
    uint64_t dirty_from, dirty_to; /* equal: all is written, or being written */
    struct block_request req;
    uint8_t *out; /* what req writes; NULL: nothing is under way */
    bool of_erase;
    struct timer latest;

    /* ---- state ---- */
    uint8_t view, expect, status;
    uint8_t locked[MAX_BLOCKS / 8];
    uint64_t buffer_at; /* of the first byte; buffer_len 0: not known yet */
    uint16_t buffer_count, buffer_len;
    uint8_t buffer[BUFFER];
    uint8_t filled[BUFFER / 8]; /* which of them have been written */
};

/* ---- the image ---- */

static void written(struct block_request *req, int err);

static void start_writing(struct pflash *f)
{
    uint64_t from = f->dirty_from & SECTOR_MASK, to = (f->dirty_to + 511) & SECTOR_MASK;

    if (f->out || f->dirty_from == f->dirty_to)
        return;
    timer_cancel(&f->latest);
    f->dirty_from = f->dirty_to = 0;
    /* of a copy: the guest may go on before it is done */
    f->out = g_memdup2(f->data + from, to - from);
    f->req.op = BLOCK_WRITE;
    f->req.flags = BLOCK_FUA;
    f->req.off = from;
    f->req.len = to - from;
    f->req.buf = f->out;
    f->req.done = written;
    f->req.opaque = f;
    block_submit(f->cfg.block, &f->req);
}

static void written(struct block_request *req, int err)
{
    struct pflash *f = req->opaque;

    g_clear_pointer(&f->out, g_free);
    if (err)
        f->status |= f->of_erase ? SR_ERASE_ERROR : SR_PROGRAM_ERROR;
    start_writing(f);
}

static bool busy(const struct pflash *f)
{
    return f->out || f->dirty_from != f->dirty_to;
}

/* Until all is in the image; but for what failed, and waits for the machine to go on. */
static void finish_writing(struct pflash *f)
{
    start_writing(f);
    if (f->out)
        block_drain(f->cfg.block);
}

static void latest(void *opaque)
{
    start_writing(opaque);
}

/* Those bytes are not as in the image. */
static void changed(struct pflash *f, uint64_t off, uint64_t len, bool erased)
{
    if (f->dirty_from == f->dirty_to) {
        f->dirty_from = off;
        f->dirty_to = off + len;
        timer_arm(&f->latest, clock_now(f->cfg.clock) + LATEST_NS);
    } else {
        f->dirty_from = MIN(f->dirty_from, off);
        f->dirty_to = MAX(f->dirty_to, off + len);
    }
    f->of_erase = erased;
}

/* ---- memory or MMIO ---- */

static void set_view(struct pflash *f, enum view view)
{
    if (view == VIEW_ARRAY)
        finish_writing(f);
    f->view = view;
    if (f->shown == (view == VIEW_ARRAY))
        return;
    f->shown = !f->shown;
    if (f->shown)
        f->cfg.show(f->cfg.opaque, f->data);
    else
        f->cfg.hide(f->cfg.opaque);
}

/* ---- operations ---- */

static bool locked(const struct pflash *f, uint64_t off)
{
    uint64_t n = off / PFLASH_BLOCK;

    return block_readonly(f->cfg.block) || (f->locked[n / 8] >> n % 8 & 1);
}

/* The end of an operation: reads show the status from now on. */
static void end(struct pflash *f, unsigned errors)
{
    f->status |= (uint8_t)(SR_READY | errors);
    f->expect = EXPECT_COMMAND;
    set_view(f, VIEW_STATUS);
}

/* A sequence that means nothing. */
static void wrong(struct pflash *f, uint8_t v)
{
    log_guest("%s: %02x is not what the command goes on with", f->cfg.name, v);
    end(f, SR_PROGRAM_ERROR | SR_ERASE_ERROR);
}

/* Bits are cleared; only an erase sets them. */
static void program(struct pflash *f, uint64_t off, uint8_t v)
{
    uint8_t now = f->data[off] & v;

    if (now == f->data[off])
        return;
    f->data[off] = now;
    changed(f, off, 1, false);
}

static void program_byte(struct pflash *f, uint64_t off, uint8_t v)
{
    if (locked(f, off)) {
        end(f, SR_PROGRAM_ERROR | SR_LOCKED);
        return;
    }
    program(f, off, v);
    end(f, 0);
}

static void program_buffer(struct pflash *f)
{
    if (locked(f, f->buffer_at)) {
        end(f, SR_PROGRAM_ERROR | SR_LOCKED);
        return;
    }
    for (unsigned k = 0; k < BUFFER; k++) {
        if (f->filled[k / 8] >> k % 8 & 1)
            program(f, f->buffer_at + k, f->buffer[k]);
    }
    end(f, 0);
}

static void erase(struct pflash *f, uint64_t off)
{
    uint64_t from = off - off % PFLASH_BLOCK;

    if (locked(f, off)) {
        end(f, SR_ERASE_ERROR | SR_LOCKED);
        return;
    }
    memset(f->data + from, 0xff, PFLASH_BLOCK);
    changed(f, from, PFLASH_BLOCK, true);
    end(f, 0);
}

static void lock_block(struct pflash *f, uint64_t off, uint8_t v)
{
    uint64_t n = off / PFLASH_BLOCK;

    if (v != LOCK_SET && v != CMD_CONFIRM) {
        wrong(f, v);
        return;
    }
    if (v == LOCK_SET)
        f->locked[n / 8] |= (uint8_t)(1u << n % 8);
    else
        f->locked[n / 8] &= (uint8_t) ~(1u << n % 8);
    end(f, 0);
}

/* A byte for the buffer: the first says where it is; it ends BUFFER bytes later, or with its block
 * of so many. */
static void fill_buffer(struct pflash *f, uint64_t off, uint8_t v)
{
    if (!f->buffer_len)
        f->buffer_at = off - off % BUFFER;
    if (off - f->buffer_at >= BUFFER) { /* also where it lies before */
        wrong(f, v);
        return;
    }
    off -= f->buffer_at;
    f->buffer[off] = v;
    f->filled[off / 8] |= (uint8_t)(1u << off % 8);
    if (++f->buffer_len == f->buffer_count)
        f->expect = EXPECT_BUFFER_END;
}

/* ---- commands ---- */

static void command(struct pflash *f, uint8_t v)
{
    f->expect = EXPECT_COMMAND;
    switch (v) {
    case CMD_READ_ARRAY: set_view(f, VIEW_ARRAY); break;
    case CMD_READ_STATUS:
    case CMD_SUSPEND: /* what is under way ends as soon */
    case CMD_CONFIRM: set_view(f, VIEW_STATUS); break;
    case CMD_CLEAR_STATUS:
        f->status = 0;
        set_view(f, VIEW_ARRAY);
        break;
    case CMD_READ_ID: set_view(f, VIEW_ID); break;
    case CMD_QUERY: set_view(f, VIEW_QUERY); break;
    case CMD_PROGRAM:
    case CMD_PROGRAM_ALT:
        f->expect = EXPECT_BYTE;
        set_view(f, VIEW_STATUS);
        break;
    case CMD_ERASE:
        f->expect = EXPECT_ERASE;
        set_view(f, VIEW_STATUS);
        break;
    case CMD_LOCK:
        f->expect = EXPECT_LOCK;
        set_view(f, VIEW_STATUS);
        break;
    case CMD_BUFFER: /* what is read says that there is one */
        f->status |= SR_READY;
        f->expect = EXPECT_COUNT;
        set_view(f, VIEW_STATUS);
        break;
    default:
        log_guest("%s: command %02x is unknown", f->cfg.name, v);
        set_view(f, VIEW_ARRAY);
        break;
    }
}

static void flash_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct pflash *f = opaque;
    uint8_t v = (uint8_t)val;

    (void)size;
    switch ((enum expect)f->expect) {
    case EXPECT_BYTE: program_byte(f, off, v); break;
    case EXPECT_ERASE:
        if (v == CMD_CONFIRM)
            erase(f, off);
        else
            wrong(f, v);
        break;
    case EXPECT_LOCK: lock_block(f, off, v); break;
    case EXPECT_COUNT:
        f->buffer_count = v + 1u; /* at most BUFFER */
        f->buffer_len = 0;
        memset(f->filled, 0, sizeof(f->filled));
        f->expect = EXPECT_DATA;
        break;
    case EXPECT_DATA: fill_buffer(f, off, v); break;
    case EXPECT_BUFFER_END:
        if (v == CMD_CONFIRM)
            program_buffer(f);
        else
            wrong(f, v);
        break;
    case EXPECT_COMMAND: command(f, v); break;
    }
}

/* ---- reads ---- */

static uint8_t read_status(struct pflash *f)
{
    if (!busy(f))
        return f->status;
    start_writing(f);
    return f->status & (uint8_t)~SR_READY;
}

static uint8_t read_id(const struct pflash *f, uint64_t off)
{
    switch (off % PFLASH_BLOCK) {
    case 0: return MAKER;
    case 1: return CHIP;
    case 2: return locked(f, off);
    default: return 0;
    }
}

static uint8_t read_query(const struct pflash *f, uint64_t off)
{
    static const uint8_t table[0x42] = {
        [0x10] = 'Q',
        'R',
        'Y',
        0x01,
        0x00,
        0x31,
        0x00, /* command set 0001, described at 31 */
        [0x1b] = 0x45,
        0x55, /* 4.5 to 5.5 V, no Vpp */
        [0x1f] = 0x07,
        0x07,
        0x0a,
        0x00, /* us, us, ms: powers of two */
        [0x23] = 0x04,
        0x04,
        0x04,
        0x00, /* at most so many times that */
        [0x2a] = 0x08,
        0x00, /* a buffer of 256 */
        [0x2c] = 0x01,
        0x00,
        0x00,
        PFLASH_BLOCK >> 8,
        PFLASH_BLOCK >> 16, /* equal blocks */
        [0x31] = 'P',
        'R',
        'I',
        '1',
        '0',
        0x20,
        0x00,
        0x00,
        0x00, /* locks by block */
        [0x3b] = 0x01,
        0x00,
        0x50,
        0x00, /* which show; 5 V */
    };
    unsigned blocks = (unsigned)(f->size / PFLASH_BLOCK) - 1, log2 = 12;

    off %= PFLASH_BLOCK;
    while (UINT64_C(1) << log2 < f->size)
        log2++;
    switch (off) {
    case 0x27: return (uint8_t)log2;
    case 0x2d: return (uint8_t)blocks;
    case 0x2e: return (uint8_t)(blocks >> 8);
    default: return off < sizeof(table) ? table[off] : 0;
    }
}

static uint64_t flash_read(void *opaque, uint64_t off, unsigned size)
{
    struct pflash *f = opaque;

    (void)size;
    switch ((enum view)f->view) {
    case VIEW_STATUS: return read_status(f);
    case VIEW_ID: return read_id(f, off);
    case VIEW_QUERY: return read_query(f, off);
    case VIEW_ARRAY: break;
    }
    return f->data[off];
}

static const struct bus_ops flash_ops = {flash_read, flash_write, 1, 1};

/* ---- life ---- */

static const struct state_field pflash_fields[] = {
    STATE_FIELD(struct pflash, view),       STATE_FIELD(struct pflash, expect),
    STATE_FIELD(struct pflash, status),     STATE_ARRAY(struct pflash, locked),
    STATE_FIELD(struct pflash, buffer_at),  STATE_FIELD(struct pflash, buffer_count),
    STATE_FIELD(struct pflash, buffer_len), STATE_ARRAY(struct pflash, buffer),
    STATE_ARRAY(struct pflash, filled),     STATE_END,
};

static void pflash_reset(void *self)
{
    struct pflash *f = self;

    f->status = SR_READY;
    set_view(f, VIEW_ARRAY); /* what a reset interrupts is done */
}

static void pflash_post_load(void *self)
{
    struct pflash *f = self;

    set_view(f, (enum view)f->view);
}

static void pflash_destroy(void *self)
{
    struct pflash *f = self;

    if (f->out || busy(f))
        finish_writing(f);
    block_cancel(&f->req); /* it had failed */
    timer_cancel(&f->latest);
    if (f->shown)
        f->cfg.hide(f->cfg.opaque);
    bus_unmap(&f->region);
    g_free(f->out);
    if (f->data)
        munmap(f->data, f->size);
    g_free(f);
}

static const struct device_type pflash_type = {
    .name = "pflash",
    .version = 1,
    .fields = pflash_fields,
    .reset = pflash_reset,
    .post_load = pflash_post_load,
    .destroy = pflash_destroy,
};

struct pflash *pflash_new(const struct pflash_config *cfg, GError **err)
{
    struct pflash *f = g_new0(struct pflash, 1);
    void *data;
    int rc;

    f->dev = (struct device){&pflash_type, f};
    f->cfg = *cfg;
    f->size = block_size(cfg->block);
    invariant(f->size && f->size % PFLASH_BLOCK == 0 && f->size / PFLASH_BLOCK <= MAX_BLOCKS);
    timer_init(&f->latest, cfg->clock, latest, f);
    bus_region_init(&f->region, cfg->name, f->size, &flash_ops, f);
    data = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    f->data = data == MAP_FAILED ? NULL : data;
    rc = f->data ? block_read(cfg->block, 0, f->data, f->size) : -ENOMEM;
    if (rc) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot read flash image '%s': %s",
                    block_name(cfg->block), g_strerror(-rc));
        pflash_destroy(f);
        return NULL;
    }
    if (!bus_map(cfg->mmio, &f->region, cfg->base, err)) {
        pflash_destroy(f);
        return NULL;
    }
    return f;
}

struct device *pflash_device(struct pflash *f)
{
    return &f->dev;
}

uint8_t *pflash_memory(struct pflash *f)
{
    return f->data;
}
