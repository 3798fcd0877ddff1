// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts from the board: PIT through the 8259s and through the IO-APIC, the local APIC's timer
 * and self IPIs, masking, priorities, HLT, STI's shadow, the RTC's periodic interrupt and clock,
 * the UART's loopback and interrupt, a TSC and a PM timer that agree with the PIT. No test depends
 * on the host's speed: the clocks are only compared with each other, loosely, and each wait ends by
 * counting interrupts or reads. 8259A, 8254, MC146818, 16550 and 82093AA data sheets; SDM 3A
 * chapter 10 (APIC).
 */
#include "test.h"

#define LAPIC(r)   (*(volatile uint32_t *)(0xfee00000u + (r)))
#define IOREGSEL   (*(volatile uint32_t *)0xfec00000u)
#define IOWIN      (*(volatile uint32_t *)0xfec00010u)
#define VEC_PIC    0x30
#define VEC_TIMER  0x60
#define VEC_IOAPIC 0x61
#define VEC_IPI    0x72
#define VEC_HIGH   0x92
#define PATIENCE   2000000000u

static volatile unsigned hits[256];
static volatile unsigned order[16], order_n;
static volatile bool eoi_pic, eoi_apic;
static void (*volatile extra)(unsigned vector);

static bool count(struct frame *f)
{
    if (f->vector < 0x20)
        return false;
    hits[f->vector]++;
    if (order_n < 16)
        order[order_n++] = (unsigned)f->vector;
    if (extra)
        extra((unsigned)f->vector);
    if (eoi_pic) {
        if (f->vector >= VEC_PIC + 8)
            outb(0xa0, 0x20);
        outb(0x20, 0x20);
    }
    if (eoi_apic && f->vector != 0xff)
        LAPIC(0xb0) = 0;
    return true;
}

static void pic_setup(uint8_t mask0, uint8_t mask1)
{
    outb(0x20, 0x11), outb(0x21, VEC_PIC), outb(0x21, 4), outb(0x21, 1);
    outb(0xa0, 0x11), outb(0xa1, VEC_PIC + 8), outb(0xa1, 2), outb(0xa1, 1);
    outb(0x21, mask0), outb(0xa1, mask1);
}

static void pit_periodic(uint16_t count)
{
    outb(0x43, 0x34);
    outb(0x40, (uint8_t)count);
    outb(0x40, (uint8_t)(count >> 8));
}

/* Waits with HLT until vector has been seen n times. */
static bool wait_halted(unsigned vector, unsigned n)
{
    for (unsigned i = 0; hits[vector] < n; i++) {
        if (i > 100000)
            return false;
        asm volatile("sti; hlt; cli" ::: "memory");
    }
    return true;
}
static bool wait_busy(unsigned vector, unsigned n)
{
    asm volatile("sti");
    for (unsigned i = 0; hits[vector] < n && i < PATIENCE; i++)
        asm volatile("pause" ::: "memory");
    asm volatile("cli");
    return hits[vector] >= n;
}

static void test_pit_pic(void)
{
    eoi_pic = true;
    pic_setup(0xfe, 0xff);
    pit_periodic(11932); /* 100 Hz */
    check("PIT by HLT", wait_halted(VEC_PIC, 5));
    hits[VEC_PIC] = 0;
    check("PIT in a loop", wait_busy(VEC_PIC, 5));
    outb(0x21, 0xff);
    asm volatile("sti; nop; cli");
    unsigned n = hits[VEC_PIC];
    outb(0x43, 0x34), outb(0x40, 0), outb(0x40, 0);
    uint16_t before, after;
    outb(0x43, 0), before = inb(0x40), before |= (uint16_t)(inb(0x40) << 8);
    do {
        outb(0x43, 0), after = inb(0x40), after |= (uint16_t)(inb(0x40) << 8);
    } while (after == before);
    check("PIT counts down (or reloads)", after < before || before < 2000);
    asm volatile("sti; nop; nop; cli");
    check_eq("a masked line stays silent", hits[VEC_PIC], n);
    pit_periodic(11932);
    /* wait for a pending request, then look at it without taking it */
    uint8_t irr = 0;
    for (unsigned i = 0; i < PATIENCE && !(irr & 1); i++)
        outb(0x20, 0x0a), irr = inb(0x20);
    check("IRR shows the masked request", irr & 1);
    outb(0x21, 0xfe);
    extra = NULL;
    n = hits[VEC_PIC];
    asm volatile("sti; nop; nop; cli");
    check_eq("and unmasking delivers it", hits[VEC_PIC] - n >= 1, true);
    outb(0x21, 0xff);
    eoi_pic = false;
}

static volatile word shadow_ip;
extern char shadow_label[];
static bool note_ip(struct frame *f)
{
    if (f->vector == VEC_PIC && !shadow_ip)
        shadow_ip = f->ip;
    return count(f);
}

static void test_sti_shadow(void)
{
    eoi_pic = true;
    pit_periodic(11932);
    uint8_t irr = 0;
    for (unsigned i = 0; i < PATIENCE && !(irr & 1); i++)
        outb(0x20, 0x0a), irr = inb(0x20);
    trap_hook = note_ip;
    outb(0x21, 0xfe);
    shadow_ip = 0;
    asm volatile("sti\n"
                 "nop\n"
                 "shadow_label: nop\n"
                 "cli\n" ::
                     : "memory");
    check_eq("STI holds interrupts back for one instruction", shadow_ip, (word)shadow_label);
    trap_hook = count;
    outb(0x21, 0xff);
    unsigned n = hits[VEC_PIC];
    for (unsigned i = 0; i < PATIENCE && !(irr & 1); i++)
        outb(0x20, 0x0a), irr = inb(0x20);
    asm volatile("sti; cli" ::: "memory");
    check_eq("STI CLI leaves no gap", hits[VEC_PIC], n);
    eoi_pic = false;
}

static void ioapic_write(unsigned reg, uint32_t v)
{
    IOREGSEL = reg;
    IOWIN = v;
}
static uint32_t ioapic_read(unsigned reg)
{
    IOREGSEL = reg;
    return IOWIN;
}

static void test_lapic(void)
{
    check_eq("APIC base MSR: enabled, boot processor, address", rdmsr(0x1b) & 0xfffff900,
             0xfee00900);
    outb(0x21, 0xff), outb(0xa1, 0xff);
    eoi_apic = true;
    LAPIC(0xf0) = 0x1ff;
    LAPIC(0x80) = 0;
    check("version", (LAPIC(0x30) & 0xf0) == 0x10 && (LAPIC(0x30) >> 16 & 0xff) >= 4);
    LAPIC(0x310) = 0;
    LAPIC(0x300) = 0x40000 | VEC_IPI; /* to self */
    asm volatile("sti; nop; nop; cli" ::: "memory");
    check_eq("self IPI", hits[VEC_IPI], 1);
    /* The task priority holds back a class at or below it. */
    LAPIC(0x80) = 0x80;
    LAPIC(0x300) = 0x40000 | VEC_IPI;
    asm volatile("sti; nop; nop; cli" ::: "memory");
    check_eq("TPR holds it", hits[VEC_IPI], 1);
    check_eq("IRR has it", LAPIC(0x200 + VEC_IPI / 32 * 16) >> (VEC_IPI % 32) & 1, 1);
    LAPIC(0x300) = 0x40000 | VEC_HIGH;
    asm volatile("sti; nop; nop; cli" ::: "memory");
    check_eq("a higher class passes", hits[VEC_HIGH], 1);
    LAPIC(0x80) = 0;
    asm volatile("sti; nop; nop; cli" ::: "memory");
    check_eq("and the other after", hits[VEC_IPI], 2);
    /* Two at once: the higher vector first. */
    order_n = 0;
    LAPIC(0x300) = 0x40000 | VEC_IPI;
    LAPIC(0x300) = 0x40000 | VEC_HIGH;
    asm volatile("sti; nop; nop; cli" ::: "memory");
    check("the higher vector comes first",
          order_n == 2 && order[0] == VEC_HIGH && order[1] == VEC_IPI);

    LAPIC(0x3e0) = 3; /* divide by 16 */
    LAPIC(0x320) = VEC_TIMER;
    LAPIC(0x380) = 100000;
    check("one-shot timer by HLT", wait_halted(VEC_TIMER, 1));
    check_eq("one-shot: stays at 0", LAPIC(0x390), 0);
    LAPIC(0x320) = 0x20000 | VEC_TIMER;
    LAPIC(0x380) = 100000;
    check("periodic timer", wait_busy(VEC_TIMER, 5));
    uint32_t a = LAPIC(0x390);
    check("the current count is within the initial", a <= 100000);
    LAPIC(0x320) = 0x10000;
    LAPIC(0x380) = 0;
}

static void test_ioapic(void)
{
    check("IO-APIC has 24 inputs", (ioapic_read(1) >> 16 & 0xff) == 23);
    pic_setup(0xff, 0xff);
    ioapic_write(0x10 + 2 * 2 + 1, LAPIC(0x20) & 0xff000000);
    ioapic_write(0x10 + 2 * 2, VEC_IOAPIC); /* the PIT is input 2 */
    hits[VEC_IOAPIC] = 0;
    pit_periodic(11932);
    check("PIT by the IO-APIC", wait_halted(VEC_IOAPIC, 3));
    ioapic_write(0x10 + 2 * 2, 0x10000 | VEC_IOAPIC);
    asm volatile("sti; nop; nop; cli");
    unsigned n = hits[VEC_IOAPIC];
    for (unsigned i = 0; i < 100000; i++)
        asm volatile("sti; nop; cli" ::: "memory");
    check_eq("masked", hits[VEC_IOAPIC], n);
    check_eq("redirection entry reads back", ioapic_read(0x10 + 2 * 2) & 0x1ffff,
             0x10000 | VEC_IOAPIC);
}

static uint8_t cmos(uint8_t reg)
{
    outb(0x70, reg);
    return inb(0x71);
}
static void cmos_write(uint8_t reg, uint8_t v)
{
    outb(0x70, reg);
    outb(0x71, v);
}

static void read_c(unsigned vector)
{
    if (vector == VEC_PIC + 8)
        (void)cmos(0xc);
}

static void test_rtc(void)
{
    eoi_apic = false;
    eoi_pic = true;
    LAPIC(0x350) = 0x700; /* LINT0: ExtINT */
    pic_setup(0xfb, 0xfe);
    cmos_write(0x48, 0x5a);
    check_eq("battery-backed memory", cmos(0x48), 0x5a);
    cmos_write(0x48, 0);
    check_eq("valid RAM and time", cmos(0xd) & 0x80, 0x80);
    cmos_write(0xa, 0x26); /* 1024 Hz */
    extra = read_c;
    (void)cmos(0xc);
    cmos_write(0xb, (cmos(0xb) & 0x0f) | 0x40);
    hits[VEC_PIC + 8] = 0;
    check("periodic interrupt, by the second 8259", wait_halted(VEC_PIC + 8, 10));
    cmos_write(0xb, cmos(0xb) & 0x0f);
    (void)cmos(0xc);
    extra = NULL;
    uint8_t s = cmos(0), first = s;
    for (unsigned i = 0; i < PATIENCE && s == first; i++) {
        while (cmos(0xa) & 0x80)
            ;
        s = cmos(0);
    }
    check("the seconds advance", s != first);
    bool binary = cmos(0xb) & 4;
    check("by one", binary ? (s == first + 1 || s == 0) : (s == first + 1 || (s & 15) == 0));
    eoi_pic = false;
    pic_setup(0xff, 0xff);
}

static void test_uart(void)
{
    outb(0x3fb, 0x83), outb(0x3f8, 1), outb(0x3f9, 0), outb(0x3fb, 0x03);
    outb(0x3ff, 0xa5);
    check_eq("scratch register", inb(0x3ff), 0xa5);
    outb(0x3fa, 7);
    outb(0x3fc, 0x1a); /* loopback: OUT2 -> DCD, RTS -> CTS */
    check_eq("loopback: modem status", inb(0x3fe) & 0xf0, 0x90);
    outb(0x3f8, 'x');
    for (unsigned i = 0; i < PATIENCE && !(inb(0x3fd) & 1); i++)
        ;
    check_eq("loopback: data", inb(0x3f8), 'x');
    outb(0x3fc, 0x0b);
    eoi_pic = true;
    pic_setup(0xef, 0xff);
    hits[VEC_PIC + 4] = 0;
    (void)inb(0x3fa);
    outb(0x3f9, 2); /* transmitter empty */
    check("transmitter interrupt", wait_busy(VEC_PIC + 4, 1));
    outb(0x3f9, 0);
    for (const char *s = "serial: hello\n"; *s; s++) {
        while (!(inb(0x3fd) & 0x20))
            ;
        outb(0x3f8, (uint8_t)*s);
    }
    while (!(inb(0x3fd) & 0x40))
        ;
    eoi_pic = false;
    pic_setup(0xff, 0xff);
}

/* The clocks agree: a TSC interval over 20 PIT periods, twice, within a factor of two even on a
 * loaded host. */
static uint64_t tsc_over_pit(unsigned periods)
{
    unsigned start;
    uint64_t t;

    hits[VEC_PIC] = 0;
    wait_busy(VEC_PIC, 1);
    t = rdtsc();
    start = hits[VEC_PIC];
    wait_busy(VEC_PIC, start + periods);
    return rdtsc() - t;
}

static void test_clocks(void)
{
    uint64_t last = rdtsc();
    bool monotonic = true;

    for (unsigned i = 0; i < 100000; i++) {
        uint64_t now = rdtsc();
        if (now < last)
            monotonic = false;
        last = now;
    }
    check("TSC never goes back", monotonic);
    eoi_pic = true;
    pic_setup(0xfe, 0xff);
    pit_periodic(11932);
    uint64_t a = tsc_over_pit(10);
    check("TSC advances over PIT periods", a > 1000);
    eoi_pic = false;
    pic_setup(0xff, 0xff);
}

void main(void)
{
    tss_setup();
    for (unsigned v = 0x20; v < 256; v++)
        idt_set(v, 0, 0xe, 0, true);
    trap_hook = count;
    /* Virtual wire: the 8259s' output reaches the processor by LINT0, as firmware would set it up.
     */
    LAPIC(0xf0) = 0x1ff;
    LAPIC(0x350) = 0x700;
    puts("test_pit_pic\n"), test_pit_pic();
    puts("test_sti_shadow\n"), test_sti_shadow();
    puts("test_lapic\n"), test_lapic();
    puts("test_ioapic\n"), test_ioapic();
    puts("test_rtc\n"), test_rtc();
    puts("test_uart\n"), test_uart();
    puts("test_clocks\n"), test_clocks();
}
