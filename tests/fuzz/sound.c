/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzes a sound card: accesses to its registers and to the 8237s, the 8254 and port 0x61, memory
 * with descriptors and samples that changes, and time that passes. Nothing but what a guest can do
 * must break it; all samples that come out are looked at, and the guest's memory is all that it may
 * write to. The clock is watched: no card may keep the host busy.
 */
#include "backends/audio_impl.h"
#include "devices/audio/ac97.h"
#include "devices/audio/hda.h"
#include "devices/audio/pcspk.h"
#include "devices/audio/sb16.h"
#include "devices/pc/dma8237.h"
#include "tests/fuzz/board.h"

#define NAM   0xc000u
#define NABM  0xc400u
#define SB    0x220u
#define MMIO  0xfe000000u
#define DEVFN PCI_DEVFN(3, 0)
#define STEPS 300u

const size_t fuzz_max_len = 4096;

enum kind { KIND_AC97, KIND_SB16, KIND_HDA, KIND_SPEAKER, KINDS };

struct world {
    struct fuzz_board *b;
    struct dma8237 *isa_dma;
    struct audio *audio;
    struct pit *pit;
    struct pcspk *speaker;
    struct device *dev;
    unsigned kind;
};

void fuzz_show(void)
{
}

/* ---- a backend that looks at all that it gets ---- */

static uint64_t sent;

static void *ear_open(const struct audio_config *cfg, GError **err)
{
    (void)err;
    sent = 0;
    return (void *)(uintptr_t)cfg->driver;
}

static void ear_close(void *opaque)
{
    (void)opaque;
}

static void ear_write(void *opaque, const int16_t (*frames)[2], size_t n)
{
    volatile int sum = 0;

    (void)opaque;
    for (size_t k = 0; k < n; k++)
        sum += frames[k][0] ^ frames[k][1];
    sent += n;
}

static size_t ear_read(void *opaque, int16_t (*frames)[2], size_t n)
{
    (void)opaque;
    for (size_t k = 0; k < n; k++)
        frames[k][0] = frames[k][1] = (int16_t)(k * 999);
    return n;
}

static const struct audio_driver ear = {
    .name = "ear", .open = ear_open, .close = ear_close, .write = ear_write, .read = ear_read};

/* ---- the board ---- */

static void speaker_changed(void *opaque)
{
    struct world *w = opaque;

    if (w->speaker)
        pcspk_changed(w->speaker);
}

static void make_card(struct world *w)
{
    struct ac97_config ac = {w->b->pci, DEVFN, w->b->clock, w->audio};
    struct sb16_config sb = {.ports = w->b->ports,
                             .base = SB,
                             .clock = w->b->clock,
                             .dma = w->isa_dma,
                             .audio = w->audio,
                             .irq_no = 5,
                             .dma8 = 1,
                             .dma16 = 5};
    struct hda_config hd = {w->b->pci, DEVFN, w->b->clock, 0x293e};
    struct hda *h;

    switch (w->kind) {
    case KIND_AC97: w->dev = ac97_device(ac97_new(&ac, NULL)); break;
    case KIND_SB16: w->dev = sb16_device(sb16_new(&sb, NULL)); break;
    case KIND_HDA:
        h = hda_new(&hd, NULL);
        hda_add_codec(h, w->audio, true, NULL);
        hda_add_codec(h, w->audio, false, NULL);
        w->dev = hda_device(h);
        break;
    default:
        w->speaker = pcspk_new(w->audio, w->b->clock, w->pit);
        w->dev = pcspk_device(w->speaker);
    }
}

static void open_ways(struct world *w)
{
    pci_config_write(w->b->pci, 0, DEVFN, PCI_BAR0, w->kind == KIND_HDA ? MMIO : NAM, 4);
    pci_config_write(w->b->pci, 0, DEVFN, PCI_BAR0 + 4, w->kind == KIND_HDA ? 0 : NABM, 4);
    pci_config_write(w->b->pci, 0, DEVFN, PCI_COMMAND, 7, 2);
    bus_write(w->b->ports, 0xd6, 0xc0, 1); /* the cascade */
    bus_write(w->b->ports, 0xd4, 0, 1);
}

static void build(struct world *w, unsigned rate)
{
    struct dma8237_config isa;
    struct pit_config pit = {.speaker = speaker_changed, .speaker_opaque = w};
    struct audio_config audio = {.driver = &ear, .id = "ear", .rate = rate};

    w->b = fuzz_board_new();
    isa = (struct dma8237_config){w->b->ports, &w->b->dma};
    pit.ports = w->b->ports;
    audio.clock = pit.clock = w->b->clock;
    w->isa_dma = dma8237_new(&isa, NULL);
    w->audio = audio_new(&audio, NULL);
    w->pit = pit_new(&pit, NULL);
    make_card(w);
    open_ways(w);
}

static void destroy(struct world *w)
{
    /* of a mix at 48 kHz or less no more can come than there was time, and what filters hold */
    uint64_t most = muldiv64((uint64_t)clock_now(w->b->clock), 48000, NS_PER_SEC) * 2 + 400000;

    device_destroy(w->dev);
    device_destroy(pit_device(w->pit));
    device_destroy(dma8237_device(w->isa_dma));
    audio_free(w->audio);
    fuzz_expect(sent <= most);
    fuzz_board_free(w->b);
}

/* ---- what happens ---- */

static void touch(struct world *w, struct fuzz_input *in, uint64_t port, unsigned size)
{
    if (fuzz_below(in, 4) == 0)
        bus_read(w->b->ports, port, size);
    else
        bus_write(w->b->ports, port, fuzz_value(in), size);
}

/* A whole command, with a DMA channel that fits more often than not. */
static void command(struct world *w, struct fuzz_input *in)
{
    static const uint8_t often[] = {0x10, 0x14, 0x1c, 0x24, 0x2c, 0x40, 0x41, 0x48, 0x75, 0x77,
                                    0x17, 0x7d, 0x80, 0x90, 0x91, 0x98, 0xb0, 0xb6, 0xb8, 0xbe,
                                    0xc0, 0xc6, 0xc8, 0xce, 0xd0, 0xd4, 0xd5, 0xd6, 0xd9, 0xda};
    unsigned n = fuzz_below(in, 4);

    bus_write(w->b->ports, SB + 0xc,
              fuzz_below(in, 4) ? often[fuzz_below(in, ARRAY_SIZE(often))] : fuzz_u8(in), 1);
    while (n--)
        bus_write(w->b->ports, SB + 0xc, fuzz_u8(in) & (fuzz_below(in, 2) ? 0x37 : 0xff), 1);
}

static void program_dma(struct world *w, struct fuzz_input *in)
{
    static const uint8_t modes[] = {0x44, 0x48, 0x54, 0x58, 0x00, 0x68, 0x78};
    bool two = fuzz_below(in, 2);
    unsigned chan = two ? 5 : 1, port = two ? 0xc4 : 0x02, step = two ? 2 : 1;

    for (unsigned k = 0; k < 4; k++)
        bus_write(w->b->ports, port + (k / 2) * step, fuzz_u8(in) & (k % 2 ? 0x3f : 0xff), 1);
    bus_write(w->b->ports, two ? 0xd6 : 0x0b, modes[fuzz_below(in, ARRAY_SIZE(modes))] | (chan & 3),
              1);
    bus_write(w->b->ports, two ? 0xd4 : 0x0a, (chan & 3) | (fuzz_below(in, 8) ? 0 : 4), 1);
}

/* Registers, and codecs' commands that lead somewhere. */
static void touch_hda(struct world *w, struct fuzz_input *in)
{
    static const uint16_t often[] = {0x08,  0x40,  0x48,  0x4a,  0x4c,  0x58,  0x5c,  0x70,
                                     0x80,  0x82,  0x88,  0x8c,  0x92,  0x98,  0x100, 0x102,
                                     0x103, 0x108, 0x10c, 0x112, 0x118, 0x120, 0x132, 0x138};
    unsigned off = fuzz_below(in, 4) ? often[fuzz_below(in, ARRAY_SIZE(often))]
                                     : fuzz_below(in, 0x2200),
             size = 1u << fuzz_below(in, 3);

    switch (fuzz_below(in, 4)) {
    case 0:
        bus_write(w->b->mmio, MMIO + 8, 1, 1);
        bus_write(w->b->mmio, MMIO + 0x60,
                  fuzz_below(in, 2) << 28 | fuzz_below(in, 7) << 20 | (fuzz_word(in, 3) & 0xfffff),
                  4);
        bus_write(w->b->mmio, MMIO + 0x68, 1, 1);
        break;
    case 1: bus_read(w->b->mmio, MMIO + off, size); break;
    default: bus_write(w->b->mmio, MMIO + off, fuzz_value(in), size);
    }
}

static void access(struct world *w, struct fuzz_input *in)
{
    static const uint16_t pit[] = {0x40, 0x41, 0x42, 0x42, 0x43, 0x61};

    switch (w->kind) {
    case KIND_AC97:
        if (fuzz_below(in, 4))
            touch(w, in, NABM + fuzz_below(in, 0x40), 1u << fuzz_below(in, 3));
        else
            touch(w, in, NAM + fuzz_below(in, 0x84), 1u << fuzz_below(in, 3));
        break;
    case KIND_SB16:
        if (fuzz_below(in, 2))
            command(w, in);
        else if (fuzz_below(in, 3))
            program_dma(w, in);
        else
            touch(w, in, SB + fuzz_below(in, 16), 1);
        break;
    case KIND_HDA: touch_hda(w, in); break;
    default: touch(w, in, pit[fuzz_below(in, ARRAY_SIZE(pit))], 1);
    }
}

/* Descriptors of the AC97's: an address and a length. */
static void scribble(struct world *w, struct fuzz_input *in)
{
    unsigned at = fuzz_below(in, FUZZ_RAM / 16) * 16, n = 1 + fuzz_below(in, 16);

    for (unsigned k = 0; k < n && at + 8 * k + 8 <= FUZZ_RAM; k++) {
        st_le32(w->b->ram + at + 8 * k, fuzz_value(in));
        st_le32(w->b->ram + at + 8 * k + 4, fuzz_below(in, 64) | (uint32_t)fuzz_u8(in) << 24);
    }
}

static void happen(struct world *w, struct fuzz_input *in)
{
    switch (fuzz_below(in, 12)) {
    case 0: scribble(w, in); break;
    case 1:
    case 2:
        clock_advance_to(w->b->clock, clock_now(w->b->clock) + ((int64_t)1 << fuzz_below(in, 26)));
        break;
    case 3:
        if (fuzz_once_in(in, 8))
            device_reset(w->dev);
        else if (w->dev->type->post_load && fuzz_once_in(in, 4))
            w->dev->type->post_load(w->dev->self);
        else if (fuzz_once_in(in, 8))
            pci_config_write(w->b->pci, 0, DEVFN, PCI_COMMAND, fuzz_u8(in), 2);
        else
            open_ways(w);
        break;
    default: access(w, in); break;
    }
}

void fuzz_one(const uint8_t *data, size_t size)
{
    static const unsigned rates[] = {44100, 48000, 8000, 22050};
    struct fuzz_input in = fuzz_part(data, size, 0, size);
    struct world *w = g_new0(struct world, 1);

    w->kind = fuzz_below(&in, KINDS);
    build(w, rates[fuzz_below(&in, ARRAY_SIZE(rates))]);
    if (fuzz_below(&in, 2))
        fuzz_fill(&in, w->b->ram, FUZZ_RAM);
    for (unsigned k = 0; k < STEPS; k++)
        happen(w, &in);
    destroy(w);
    g_free(w);
}
