/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware configuration device; see fw_cfg.h. Sections named in comments are those of the
 * fw_cfg specification: "Selector Register", "Data Register", "DMA Register", "File Directory".
 */
#include "devices/pc/fw_cfg.h"

#include <inttypes.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"

#define KEY_WRITE   0x4000 /* once asked for a writable item; ignored since */
#define KEY_NONE    0xffff /* nothing valid is selected */
#define DMA_CHUNK   4096
#define OVERREAD    (16u << 20) /* how far past an item's end one transfer may ask for zeroes */
#define DIR_ENTRY   64
#define ID_FEATURES 1u /* the classic interface */
#define ID_DMA      2u

enum {
    DMA_ERROR = 1 << 0,
    DMA_READ = 1 << 1,
    DMA_SKIP = 1 << 2,
    DMA_SELECT = 1 << 3,
    DMA_WRITE = 1 << 4,
};

static const char dma_signature[8] = {'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G'};

struct item {
    uint8_t *data;
    size_t len;
};

struct file {
    char name[FW_CFG_NAME_SIZE];
    struct item item;
    struct fw_cfg_hooks hooks;
};

struct fw_cfg {
    struct device dev;
    struct dma_space dma;
    struct bus_region io, dma_io;
    GHashTable *items; /* fixed selector -> struct item */
    GPtrArray *files;  /* struct file, by name */
    struct item dir;

    /* state */
    uint16_t key;
    uint32_t off; /* next byte of the selected item */
    uint64_t dma_addr;
};

static void item_set(struct item *it, const void *data, size_t len)
{
    uint8_t *copy = len ? g_memdup2(data, len) : NULL;

    g_free(it->data);
    it->data = copy;
    it->len = len;
}

static void item_free(void *p)
{
    struct item *it = p;

    g_free(it->data);
    g_free(it);
}

static struct file *selected_file(struct fw_cfg *f)
{
    unsigned at = f->key - (unsigned)FW_CFG_FILE_FIRST;

    return f->key != KEY_NONE && f->key >= FW_CFG_FILE_FIRST && at < f->files->len
               ? g_ptr_array_index(f->files, at)
               : NULL;
}

/* The selected item; NULL when the selector names nothing. */
static struct item *selected(struct fw_cfg *f)
{
    struct file *file = selected_file(f);

    if (file)
        return &file->item;
    if (f->key == KEY_NONE)
        return NULL;
    if (f->key == FW_CFG_FILE_DIR)
        return &f->dir;
    return g_hash_table_lookup(f->items, GUINT_TO_POINTER(f->key));
}

static void select_key(struct fw_cfg *f, uint16_t key)
{
    struct file *file;

    f->key = key & ~KEY_WRITE;
    f->off = 0;
    file = selected_file(f);
    if (file && file->hooks.selected)
        file->hooks.selected(file->hooks.opaque);
    if (!selected(f)) {
        log_guest("fw_cfg: no item 0x%x", key);
        f->key = KEY_NONE;
    }
}

/* Bytes of the selected item that are still to come. */
static size_t remaining(struct fw_cfg *f)
{
    struct item *it = selected(f);

    return it && f->off < it->len ? it->len - f->off : 0;
}

static uint64_t io_read(void *opaque, uint64_t off, unsigned size)
{
    struct fw_cfg *f = opaque;

    (void)size;
    if (off != 1)
        return 0xff; /* the selector cannot be read back */
    return remaining(f) ? selected(f)->data[f->off++] : 0;
}

static void io_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    if (off == 0 && size == 2)
        select_key(opaque, (uint16_t)val);
    else
        log_guest("fw_cfg: %u-byte write to port 0x%x is ignored", size,
                  FW_CFG_PORT + (unsigned)off);
}

/* Copies `len` bytes of the item, then zeroes, to guest memory. False when that is not RAM. */
static bool dma_to_guest(struct fw_cfg *f, uint64_t gpa, uint32_t len)
{
    static const uint8_t zeroes[DMA_CHUNK];

    if (len > remaining(f) && len - remaining(f) > OVERREAD)
        return false;
    while (len) {
        size_t n = MIN(len, DMA_CHUNK), have = remaining(f);
        const uint8_t *src = zeroes;

        if (have) {
            n = MIN(n, have);
            src = selected(f)->data + f->off;
            f->off += (uint32_t)n;
        }
        if (gpa + n < gpa || !dma_write(&f->dma, gpa, src, n))
            return false;
        gpa += n;
        len -= (uint32_t)n;
    }
    return true;
}

/* Replaces part of a writable file. Anything else, and anything past its end, is an error. */
static bool dma_from_guest(struct fw_cfg *f, uint64_t gpa, uint32_t len)
{
    struct file *file = selected_file(f);
    g_autofree uint8_t *data = NULL;

    if (!file || !file->hooks.written || len > remaining(f) || gpa + len < gpa)
        return false;
    if (!len)
        return true;
    /* by way of a copy: a transfer that fails half-way leaves the file as it was */
    data = g_malloc(len);
    if (!dma_read(&f->dma, gpa, data, len))
        return false;
    memcpy(file->item.data + f->off, data, len);
    file->hooks.written(file->hooks.opaque, f->off, data, len);
    f->off += len;
    return true;
}

/* "DMA Register": runs the descriptor at f->dma_addr and answers in its control word. */
static void run_dma(struct fw_cfg *f)
{
    uint64_t desc = f->dma_addr;
    uint8_t raw[16];
    uint32_t control, len, answer;
    uint64_t gpa;
    bool ok = true;

    f->dma_addr = 0;
    if (!dma_read(&f->dma, desc, raw, sizeof(raw))) {
        log_guest("fw_cfg: DMA descriptor at 0x%" PRIx64 " is not in RAM", desc);
        return;
    }
    control = GUINT32_FROM_BE(ld_le32(raw));
    len = GUINT32_FROM_BE(ld_le32(raw + 4));
    gpa = GUINT64_FROM_BE(ld_le64(raw + 8));
    if (control & DMA_SELECT)
        select_key(f, (uint16_t)(control >> 16));
    if (control & DMA_READ)
        ok = dma_to_guest(f, gpa, len);
    else if (control & DMA_WRITE)
        ok = dma_from_guest(f, gpa, len);
    else if (control & DMA_SKIP)
        f->off += (uint32_t)MIN(len, remaining(f));
    if (!ok)
        log_guest("fw_cfg: DMA 0x%x of %u bytes at 0x%" PRIx64 " fails", control, len, gpa);
    answer = GUINT32_TO_BE(ok ? 0u : (uint32_t)DMA_ERROR);
    dma_write(&f->dma, desc, &answer, sizeof(answer));
}

static uint64_t dma_io_read(void *opaque, uint64_t off, unsigned size)
{
    (void)opaque;
    return ld_le(dma_signature + off, size);
}

/* Both halves are big-endian; the low one starts the transfer. */
static void dma_io_write(void *opaque, uint64_t off, uint64_t val, unsigned size)
{
    struct fw_cfg *f = opaque;

    if (size != 4 || off % 4) {
        log_guest("fw_cfg: %u-byte write to the DMA register is ignored", size);
        return;
    }
    if (off == 0) {
        f->dma_addr = (uint64_t)GUINT32_FROM_BE((uint32_t)val) << 32;
    } else {
        f->dma_addr |= GUINT32_FROM_BE((uint32_t)val);
        run_dma(f);
    }
}

static const struct bus_ops io_ops = {io_read, io_write, 1, 2};
static const struct bus_ops dma_ops = {dma_io_read, dma_io_write, 1, 4};

static const struct state_field fw_cfg_fields[] = {
    STATE_FIELD(struct fw_cfg, key),
    STATE_FIELD(struct fw_cfg, off),
    STATE_FIELD(struct fw_cfg, dma_addr),
    STATE_END,
};

static void fw_cfg_destroy(void *self)
{
    struct fw_cfg *f = self;

    bus_unmap(&f->io);
    bus_unmap(&f->dma_io);
    g_hash_table_destroy(f->items);
    g_ptr_array_free(f->files, TRUE);
    g_free(f->dir.data);
    g_free(f);
}

static const struct device_type fw_cfg_type = {
    .name = "fw_cfg",
    .version = 1,
    .fields = fw_cfg_fields,
    .destroy = fw_cfg_destroy,
};

static void file_free(void *p)
{
    struct file *file = p;

    g_free(file->item.data);
    g_free(file);
}

/* "File Directory": a count, then 64 bytes a file, numbers big-endian. */
static void rebuild_dir(struct fw_cfg *f)
{
    size_t len = 4 + (size_t)f->files->len * DIR_ENTRY;
    g_autofree uint8_t *raw = g_malloc0(len);

    st_le32(raw, GUINT32_TO_BE(f->files->len));
    for (unsigned k = 0; k < f->files->len; k++) {
        const struct file *file = g_ptr_array_index(f->files, k);
        uint8_t *e = raw + 4 + (size_t)k * DIR_ENTRY;

        st_le32(e, GUINT32_TO_BE((uint32_t)file->item.len));
        st_le16(e + 4, GUINT16_TO_BE((uint16_t)(FW_CFG_FILE_FIRST + k)));
        memcpy(e + 8, file->name, FW_CFG_NAME_SIZE);
    }
    item_set(&f->dir, raw, len);
}

struct fw_cfg *fw_cfg_new(const struct fw_cfg_config *cfg, GError **err)
{
    struct fw_cfg *f = g_new0(struct fw_cfg, 1);
    bool with_dma = cfg->dma.read != NULL;

    f->dev = (struct device){&fw_cfg_type, f};
    f->dma = cfg->dma;
    f->items = g_hash_table_new_full(NULL, NULL, NULL, item_free);
    f->files = g_ptr_array_new_with_free_func(file_free);
    bus_region_init(&f->io, "fw_cfg", 2, &io_ops, f);
    bus_region_init(&f->dma_io, "fw_cfg DMA", 8, &dma_ops, f);
    if (!bus_map(cfg->ports, &f->io, FW_CFG_PORT, err) ||
        (with_dma && !bus_map(cfg->ports, &f->dma_io, FW_CFG_PORT_DMA, err))) {
        fw_cfg_destroy(f);
        return NULL;
    }
    fw_cfg_set_bytes(f, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_set_u32(f, FW_CFG_ID, ID_FEATURES | (with_dma ? ID_DMA : 0));
    rebuild_dir(f);
    return f;
}

struct device *fw_cfg_device(struct fw_cfg *f)
{
    return &f->dev;
}

void fw_cfg_set_bytes(struct fw_cfg *f, uint16_t key, const void *data, size_t len)
{
    struct item *it = g_new0(struct item, 1);

    invariant(key < FW_CFG_FILE_DIR || (key & 0x8000));
    item_set(it, data, len);
    g_hash_table_replace(f->items, GUINT_TO_POINTER(key), it);
}

void fw_cfg_set_u16(struct fw_cfg *f, uint16_t key, uint16_t v)
{
    fw_cfg_set_bytes(f, key, &v, sizeof(v));
}

void fw_cfg_set_u32(struct fw_cfg *f, uint16_t key, uint32_t v)
{
    fw_cfg_set_bytes(f, key, &v, sizeof(v));
}

void fw_cfg_set_u64(struct fw_cfg *f, uint16_t key, uint64_t v)
{
    fw_cfg_set_bytes(f, key, &v, sizeof(v));
}

void fw_cfg_set_string(struct fw_cfg *f, uint16_t key, const char *s)
{
    fw_cfg_set_bytes(f, key, s, strlen(s) + 1);
}

static struct file *file_by_name(struct fw_cfg *f, const char *name)
{
    for (unsigned k = 0; k < f->files->len; k++) {
        struct file *file = g_ptr_array_index(f->files, k);

        if (!strcmp(file->name, name))
            return file;
    }
    return NULL;
}

static int file_order(gconstpointer a, gconstpointer b)
{
    return strcmp((*(struct file *const *)a)->name, (*(struct file *const *)b)->name);
}

bool fw_cfg_add_file(struct fw_cfg *f, const char *name, const void *data, size_t len,
                     const struct fw_cfg_hooks *hooks, GError **err)
{
    const char *why = NULL;
    struct file *file;

    if (!*name || strlen(name) >= FW_CFG_NAME_SIZE)
        why = "bad name";
    else if (file_by_name(f, name))
        why = "there is one of that name";
    else if (len > UINT32_MAX)
        why = "too large";
    else if (f->files->len == FW_CFG_MAX_FILES)
        why = "too many files";
    if (why) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, "fw_cfg file '%s': %s", name, why);
        return false;
    }
    file = g_new0(struct file, 1);
    g_strlcpy(file->name, name, sizeof(file->name));
    if (hooks)
        file->hooks = *hooks;
    item_set(&file->item, data, len);
    g_ptr_array_add(f->files, file);
    g_ptr_array_sort(f->files, file_order);
    rebuild_dir(f);
    return true;
}

bool fw_cfg_set_file(struct fw_cfg *f, const char *name, const void *data, size_t len)
{
    struct file *file = file_by_name(f, name);

    if (!file || len > UINT32_MAX)
        return false;
    item_set(&file->item, data, len);
    rebuild_dir(f);
    return true;
}

const void *fw_cfg_file(struct fw_cfg *f, const char *name, size_t *len)
{
    struct file *file = file_by_name(f, name);

    if (!file)
        return NULL;
    *len = file->item.len;
    return file->item.data ? (const void *)file->item.data : "";
}
