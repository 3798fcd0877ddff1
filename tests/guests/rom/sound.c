// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plays known sounds: tones and pulses by the loudspeaker (port 0x61, 8254), noise by a Sound
 * Blaster 16 (8 bits once, 16 bits from a ring that it fills as it goes) and by an AC97 (a ring of
 * descriptors), and checks the interrupts, positions and times that drivers rely on. What came out
 * is compared by tests/guests/sound_check.py, which knows the same noise. Creative's Hardware
 * Programming Guide; Intel ICH AC '97 Programmer's Reference Manual; 8254, 8237A.
 */
// options: -device sb16 -device AC97 -icount shift=3,sleep=off
// not on: bochs (it has neither card as built here)
#include "test.h"

#define LAPIC(r) (*(volatile uint32_t *)(0xfee00000u + (r)))
#define VEC_PIC  0x30
#define VEC_SB   (VEC_PIC + 5)
#define VEC_AC   (VEC_PIC + 11)

#define SB     0x220
#define SB_BUF ((volatile uint8_t *)0x210000)
#define NAM    0xc000
#define NABM   0xc400
#define PO     (NABM + 0x10)
#define AC_BD  ((volatile uint32_t *)0x220000)
#define AC_BUF ((volatile int16_t *)0x230000)

static volatile unsigned hits[256];
static volatile uint32_t ac_status, ac_global; /* at its last interrupt */

static bool count(struct frame *f)
{
    if (f->vector < 0x20)
        return false;
    hits[f->vector]++;
    if (f->vector == VEC_AC) { /* a level */
        ac_status = inw(PO + 6);
        ac_global = inl(NABM + 0x30);
        outw(PO + 6, 0x1c);
    }
    if (f->vector >= VEC_PIC + 8)
        outb(0xa0, 0x20);
    outb(0x20, 0x20);
    return true;
}

static void pic_setup(void)
{
    for (unsigned v = VEC_PIC; v < VEC_PIC + 16; v++)
        idt_set(v, 0, 0xe, 0, true);
    outb(0x20, 0x11), outb(0x21, VEC_PIC), outb(0x21, 4), outb(0x21, 1);
    outb(0xa0, 0x11), outb(0xa1, VEC_PIC + 8), outb(0xa1, 2), outb(0xa1, 1);
    outb(0x21, (uint8_t) ~(1u << 5 | 1u << 2)), outb(0xa1, (uint8_t) ~(1u << 3));
    outb(0x4d1, 1 << 3); /* 11 is a level */
    /* virtual wire: the 8259s reach the processor by LINT0 */
    LAPIC(0xf0) = 0x1ff;
    LAPIC(0x350) = 0x700;
}

static bool wait_for(unsigned vector, unsigned n)
{
    for (unsigned k = 0; hits[vector] < n; k++) {
        if (k > 1000)
            return false;
        asm volatile("sti; hlt; cli" ::: "memory");
    }
    return true;
}

/* ---- noise ---- */

static uint32_t seed;

static uint16_t noise(void)
{
    seed = seed * 1103515245u + 12345u;
    return (uint16_t)(seed >> 16);
}

/* ---- the loudspeaker ---- */

static uint16_t pit_now(void)
{
    uint8_t low;

    outb(0x43, 0x00);
    low = inb(0x40);
    return (uint16_t)(inb(0x40) << 8 | low);
}

/* By channel 0, which counts down from 65536 for ever. */
static void wait_ticks(uint32_t ticks)
{
    uint16_t last = pit_now();

    while (ticks) {
        uint16_t now = pit_now(), passed = (uint16_t)(last - now);

        ticks -= passed < ticks ? passed : ticks;
        last = now;
    }
}

static void tone(uint16_t divisor, uint32_t ticks)
{
    outb(0x43, 0xb6);
    outb(0x42, (uint8_t)divisor);
    outb(0x42, (uint8_t)(divisor >> 8));
    outb(0x61, inb(0x61) | 3);
    wait_ticks(ticks);
    outb(0x61, inb(0x61) & ~3);
    wait_ticks(119318); /* 100 ms */
}

static void play_speaker(void)
{
    outb(0x43, 0x34);
    outb(0x40, 0), outb(0x40, 0);
    tone(1193, 1193 * 100); /* 1 kHz */
    tone(2712, 2712 * 44);  /* 440 Hz */
    /* and by hand: 50 pulses of 2 ms */
    outb(0x43, 0xb6);
    for (unsigned k = 0; k < 50; k++) {
        outb(0x61, (inb(0x61) & ~1) | 2);
        wait_ticks(1193);
        outb(0x61, inb(0x61) & ~3);
        wait_ticks(1193);
    }
    wait_ticks(119318);
}

/* ---- Sound Blaster ---- */

static void dsp(uint8_t v)
{
    while (inb(SB + 0xc) & 0x80)
        ;
    outb(SB + 0xc, v);
}

static uint8_t answer(void)
{
    for (unsigned k = 0; k < 100000 && !(inb(SB + 0xe) & 0x80); k++)
        ;
    return inb(SB + 0xa);
}

static void sb_rate(unsigned rate)
{
    dsp(0x41), dsp((uint8_t)(rate >> 8)), dsp((uint8_t)rate);
}

/* Channel 1 or 5 from SB_BUF on. */
static void dma_setup(unsigned chan, uint8_t mode, unsigned units)
{
    uint32_t at = (uint32_t)SB_BUF;
    uint16_t base = chan == 1 ? 0x02 : 0xc4, step = chan == 1 ? 1 : 2;

    if (chan == 5)
        at = (at & ~0x1ffffu) | (at & 0x1ffff) >> 1;
    outb(chan == 1 ? 0x0c : 0xd8, 0);
    outb(base, (uint8_t)at), outb(base, (uint8_t)(at >> 8));
    outb(base + step, (uint8_t)(units - 1)), outb(base + step, (uint8_t)((units - 1) >> 8));
    outb(chan == 1 ? 0x83 : 0x8b, (uint8_t)((uint32_t)SB_BUF >> 16));
    outb(chan == 1 ? 0x0b : 0xd6, mode | (chan & 3));
    outb(chan == 1 ? 0x0a : 0xd4, chan & 3);
}

static void sb_find(void)
{
    outb(SB + 6, 1);
    outb(SB + 6, 0);
    check_eq("the DSP after a reset", answer(), 0xaa);
    dsp(0xe1);
    check_eq("the DSP's version", answer(), 4);
    check_eq("and its minor part", answer(), 5);
    outb(0xd6, 0xc0), outb(0xd4, 0); /* the cascade */
}

/* 8 bits in mono: half a second at 44100 Hz. */
static void sb_play_8(void)
{
    unsigned n = 22050, before = hits[VEC_SB];

    seed = 1;
    for (unsigned k = 0; k < n; k++)
        SB_BUF[k] = (uint8_t)noise();
    dma_setup(1, 0x48, n);
    sb_rate(44100);
    dsp(0xc0), dsp(0x00), dsp((uint8_t)(n - 1)), dsp((uint8_t)((n - 1) >> 8));
    check("8 bits: an interrupt at the end", wait_for(VEC_SB, before + 1));
    outb(SB + 4, 0x82);
    check_eq("which is that of 8 bits", inb(SB + 5) & 3, 1);
    check_eq("terminal count", inb(0x08) & 2, 2);
    inb(SB + 0xe);
    outb(SB + 4, 0x82);
    check_eq("acknowledged", inb(SB + 5) & 3, 0);
}

static void sb_fill(unsigned half, unsigned frames)
{
    volatile uint16_t *p = (volatile uint16_t *)SB_BUF + half * frames * 2;

    for (unsigned k = 0; k < 2 * frames; k++)
        p[k] = noise();
}

/* 16 bits in stereo: ten halves of a ring of 2 x 1024 frames. */
static void sb_play_16(void)
{
    unsigned frames = 1024, n = frames * 2, before = hits[VEC_SB];

    seed = 2;
    sb_fill(0, frames);
    sb_fill(1, frames);
    dma_setup(5, 0x58, 2 * n);
    dsp(0xb6), dsp(0x30), dsp((uint8_t)(n - 1)), dsp((uint8_t)((n - 1) >> 8));
    for (unsigned k = 1; k <= 10; k++) {
        check("16 bits: an interrupt a block", wait_for(VEC_SB, before + k));
        inb(SB + 0xf);
        if (k <= 8)
            sb_fill((k - 1) & 1, frames);
        if (k == 9)
            dsp(0xd9); /* the tenth is the last */
    }
    for (unsigned k = 0; k < 100; k++)
        wait_ticks(1000);
    check_eq("and none after the last", hits[VEC_SB], before + 10);
}

/* ---- AC97 ---- */

static uint32_t pci_read(unsigned devfn, unsigned reg)
{
    outl(0xcf8, 0x80000000u | devfn << 8 | reg);
    return inl(0xcfc);
}

static void pci_write(unsigned devfn, unsigned reg, uint32_t val)
{
    outl(0xcf8, 0x80000000u | devfn << 8 | reg);
    outl(0xcfc, val);
}

static bool ac_find(void)
{
    unsigned devfn = 0;

    while (devfn < 256 && pci_read(devfn, 0) != 0x24158086)
        devfn += 8;
    check("an AC97 on the bus", devfn < 256);
    if (devfn >= 256)
        return false;
    pci_write(8, 0x60, 0x0b0b0b0b); /* the PIIX3 routes all to interrupt 11 */
    pci_write(devfn, 0x10, NAM);
    pci_write(devfn, 0x14, NABM);
    pci_write(devfn, 0x04, 5);
    outl(NABM + 0x2c, 2);
    check("its codec is ready", inl(NABM + 0x30) & 0x100);
    outw(NAM + 0x02, 0);      /* master at 0 dB */
    outw(NAM + 0x18, 0x0808); /* PCM as well */
    return true;
}

static void ac_fill(unsigned n, unsigned frames)
{
    volatile int16_t *p = AC_BUF + n % 4 * frames * 2;

    for (unsigned k = 0; k < 2 * frames; k++)
        p[k] = (int16_t)noise();
}

/* 40 buffers of 1000 frames at 48 kHz: four places in memory, and all 32 descriptors. */
static void ac_play(void)
{
    unsigned frames = 1000, total = 40, before = hits[VEC_AC];

    seed = 3;
    for (unsigned n = 0; n < 32; n++) {
        AC_BD[2 * n] = (uint32_t)(AC_BUF + n % 4 * frames * 2);
        AC_BD[2 * n + 1] = frames * 2 | 0x80000000u;
    }
    for (unsigned n = 0; n < 4; n++)
        ac_fill(n, frames);
    outb(PO + 0xb, 2);
    outl(PO, (uint32_t)AC_BD);
    outb(PO + 5, 3);
    outb(PO + 0xb, 0x1d);
    for (unsigned n = 0; n < total; n++) {
        check("AC97: an interrupt a buffer", wait_for(VEC_AC, before + n + 1));
        check("of a buffer that is over", ac_status & 8);
        check_eq("GLOB_STA tells whose", ac_global & 0xe0, 0x40);
        if (n + 4 < total) {
            ac_fill(n + 4, frames);
            outb(PO + 5, (uint8_t)((n + 4) % 32));
            check_eq("CIV", inb(PO + 4), (n + 1) % 32);
        }
    }
    check_eq("halted at the last", inw(PO + 6), 3);
    check_eq("and nothing left", inw(PO + 8), 0);
}

void main(void)
{
    trap_hook = count;
    pic_setup();
    play_speaker();
    sb_find();
    sb_play_8();
    sb_play_16();
    if (ac_find())
        ac_play();
    for (unsigned k = 0; k < 20; k++)
        wait_ticks(11932);
    finish();
}
