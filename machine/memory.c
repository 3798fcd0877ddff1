/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RAM, ROM and their switched windows; see memory.h. */
#include "machine/memory.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "base/log.h"

#define SMRAM_BASE 0xa0000u
#define SMRAM_SIZE 0x20000u
#define PAM_BASE   0xc0000u
#define PAM_SIZE   0x40000u
#define HIGH_BASE  (UINT64_C(1) << 32)
#define BIOS_LOW   0x20000u /* how much of the image shows below 1 MiB */

static uint8_t *alloc_pages(uint64_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    madvise(p, size, MADV_HUGEPAGE);
    return p;
}

/* RAM in [base, base+size) of the low range. */
static void map_low(struct memory *m, uint32_t base, uint64_t size, bool readonly)
{
    invariant(physmem_map(m->pm, base, size, m->ram.low + base, readonly));
}

bool memory_init(struct memory *m, uint64_t size, GError **err)
{
    memset(m, 0, sizeof(*m));
    e820_split(size, &m->ram.low_size, &m->ram.high_size);
    m->ram.low = alloc_pages(m->ram.low_size);
    if (m->ram.high_size)
        m->ram.high = alloc_pages(m->ram.high_size);
    if (!m->ram.low || (m->ram.high_size && !m->ram.high)) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_HOST,
                    "cannot allocate %" PRIu64 " MiB of guest memory", size >> 20);
        memory_destroy(m);
        return false;
    }
    m->pm = physmem_new();
    map_low(m, 0, SMRAM_BASE, false);
    if (m->ram.low_size > 0x100000)
        map_low(m, 0x100000, m->ram.low_size - 0x100000, false);
    if (m->ram.high_size)
        invariant(physmem_map(m->pm, HIGH_BASE, m->ram.high_size, m->ram.high, false));
    return true;
}

void memory_destroy(struct memory *m)
{
    physmem_free(m->pm);
    if (m->ram.low)
        munmap(m->ram.low, m->ram.low_size);
    if (m->ram.high)
        munmap(m->ram.high, m->ram.high_size);
    if (m->bios)
        munmap(m->bios, m->bios_size);
    memset(m, 0, sizeof(*m));
}

void memory_set_bios(struct memory *m, const uint8_t *image, uint64_t size)
{
    invariant(!m->bios);
    m->bios = alloc_pages(size);
    invariant(m->bios);
    m->bios_size = size;
    memcpy(m->bios, image, size);
    log_msg(LOG_BOOT, "boot: firmware at 0x%" PRIx64 ", its last %" PRIu64 " KiB also below 1 MiB",
            HIGH_BASE - size, (size < BIOS_LOW ? size : BIOS_LOW) >> 10);
    invariant(physmem_map(m->pm, HIGH_BASE - size, size, m->bios, true));
}

/* The part of the image that shows at `addr` below 1 MiB, or NULL. */
static uint8_t *bios_at(const struct memory *m, uint32_t addr)
{
    uint64_t shown = m->bios_size < BIOS_LOW ? m->bios_size : BIOS_LOW;

    if (!m->bios || addr < 0x100000 - shown)
        return NULL;
    return m->bios + m->bios_size - (0x100000 - addr);
}

void memory_pam(struct memory *m, uint32_t start, uint32_t len, bool read_ram, bool write_ram)
{
    invariant(start >= PAM_BASE && start + len <= PAM_BASE + PAM_SIZE);
    physmem_unmap(m->pm, start, len);
    if (read_ram) {
        map_low(m, start, len, !write_ram);
        return;
    }
    if (bios_at(m, start))
        invariant(physmem_map(m->pm, start, len, bios_at(m, start), true));
}

static void update_smram(struct memory *m)
{
    bool show = m->smram_open || (m->smram_enabled && m->in_smm);

    if (show == m->smram_shown)
        return;
    m->smram_shown = show;
    if (show)
        map_low(m, SMRAM_BASE, SMRAM_SIZE, false);
    else
        physmem_unmap(m->pm, SMRAM_BASE, SMRAM_SIZE);
}

void memory_smram(struct memory *m, bool open, bool enabled)
{
    m->smram_open = open;
    m->smram_enabled = enabled;
    update_smram(m);
}

void memory_set_smm(struct memory *m, bool in_smm)
{
    m->in_smm = in_smm;
    update_smram(m);
}
