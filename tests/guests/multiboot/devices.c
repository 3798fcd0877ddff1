// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The test devices as a kernel finds them that no firmware came before: pc-testdev's ports, memory
 * and interrupt lines (through PIC and I/O APIC), pci-testdev by its protocol at the BARs that it
 * was given, the timer that -machine pit=off takes away ("nopit" on the command line), and the
 * reach of physical addresses ("phys=N"): an entry with a bit beyond is a fault.
 */
// guest: 64
#include "multiboot.h"

#define IO_APIC(r) (*(volatile uint32_t *)(word)(0xfec00000u + (r)))
#define LAPIC(r)   (*(volatile uint32_t *)(word)(0xfee00000u + (r)))
#define RAM8(at)   (*(volatile uint8_t *)(word)(0xff000000u + (at)))
#define RAM16(at)  (*(volatile uint16_t *)(word)(0xff000000u + (at)))
#define RAM32(at)  (*(volatile uint32_t *)(word)(0xff000000u + (at)))
#define RAM64(at)  (*(volatile uint64_t *)(word)(0xff000000u + (at)))
#define VECTOR     0x40
#define INPUT      20
#define WINDOW     0x20000000u

static uint64_t directory[2][512] __attribute__((aligned(4096)));
static uint64_t pages[512] __attribute__((aligned(4096)));
static volatile unsigned irqs;

static bool interrupt(struct frame *f)
{
    if (f->vector != VECTOR)
        return false;
    irqs++;
    LAPIC(0xb0) = 0;
    return true;
}

/* The two gigabytes below 4 GiB, one to one. */
static void map_devices(void)
{
    uint64_t *pdpt = (uint64_t *)0x71000;

    for (unsigned k = 0; k < 1024; k++)
        directory[k / 512][k % 512] = (0x80000000u + ((uint64_t)k << 21)) | 0x93;
    pdpt[2] = (word)directory[0] | 7;
    pdpt[3] = (word)directory[1] | 7;
}

static void test_ports(void)
{
    outl(0xe0, 0x12345678);
    check_eq("0xe0 keeps 32 bits", inl(0xe0), 0x12345678);
    check_eq("its second half", inw(0xe2), 0x1234);
    outb(0xe1, 0xab);
    check_eq("one byte of it", inl(0xe0), 0x1234ab78);
    outw(0xe2, 0xcdef);
    check_eq("two bytes of it", inl(0xe0), 0xcdefab78);
    outl(0xe8, 0x44332211);
    check_eq("0xe8 byte by byte", inb(0xea), 0x33);
}

static void test_memory(void)
{
    RAM32(0) = 0xdeadbeef;
    check_eq("a byte of what 32 bits wrote", RAM8(1), 0xbe);
    check_eq("16 bits of it", RAM16(2), 0xdead);
    RAM8(3) = 0x11;
    RAM16(0) = 0x2233;
    check_eq("a byte and 16 bits written", RAM32(0), 0x11ad2233);
    RAM64(8) = UINT64_C(0x8877665544332211);
    check_eq("64 bits, low half", RAM32(8), 0x44332211);
    check_eq("high half", RAM32(12), 0x88776655);
    RAM8(0xffff) = 0x77;
    check_eq("the last byte", RAM8(0xffff), 0x77);
}

/* A frame is another's: once told of by 0xe4, and after INVLPG, nobody uses the old translation. */
static void test_flush(void)
{
    static uint8_t one[4096] __attribute__((aligned(4096)));
    uint64_t *pd = (uint64_t *)0x72000;

    one[0] = 1;
    pages[0] = (word)one | 3;
    pd[WINDOW >> 21 & 511] = (word)pages | 3;
    invlpg(WINDOW);
    check_eq("the window shows the page", *(volatile uint8_t *)(word)WINDOW, 1);
    for (unsigned k = 0; k < 100; k++) {
        outl(0xe4, (uint32_t)(word)one);
        *(volatile uint8_t *)(word)WINDOW = (uint8_t)k;
        if (one[0] != (uint8_t)k)
            check("the page is reached after it was forgotten", false);
    }
    check_eq("a flush changes nothing", one[0], 99);
}

static void test_lines(void)
{
    LAPIC(0xf0) = 0x1ff;
    outb(0x21, 0xff); /* the PIC is not heard */
    outb(0xa1, 0xff);
    IO_APIC(0) = 0x10 + 2 * INPUT;
    IO_APIC(0x10) = VECTOR; /* edge, to id 0 */
    IO_APIC(0) = 0x10 + 2 * INPUT + 1;
    IO_APIC(0x10) = 0;
    asm volatile("sti");
    outb(0x2000 + INPUT, 1);
    for (unsigned k = 0; !irqs && k < 1000000; k++)
        asm volatile("pause");
    check_eq("input 20 raises its interrupt", irqs, 1);
    outb(0x2000 + INPUT, 1);
    outb(0x2000 + INPUT, 0);
    outl(0x2000 + INPUT, 0x100); /* any value but zero, of any width */
    for (unsigned k = 0; irqs < 2 && k < 1000000; k++)
        asm volatile("pause");
    asm volatile("cli");
    check_eq("again after it fell", irqs, 2);
    outb(0x2000 + INPUT, 0);
    outb(0x20, 0x0a); /* OCW3: read the request register */
    outb(0x2003, 1);
    outb(0x20, 0x0a);
    check("input 3 reaches the PIC", inb(0x20) & 8);
    outb(0x2003, 0);
}

static uint32_t pci(unsigned slot, unsigned off)
{
    outl(0xcf8, 0x80000000u | slot << 11 | off);
    return inl(0xcfc);
}

static uint32_t get(bool io, word base, unsigned off, unsigned size)
{
    if (io)
        return size == 1 ? inb((uint16_t)(base + off)) : inl((uint16_t)(base + off));
    return size == 1 ? *(volatile uint8_t *)(base + off) : *(volatile uint32_t *)(base + off);
}

static void put(bool io, word base, unsigned off, uint8_t val)
{
    if (io)
        outb((uint16_t)(base + off), val);
    else
        *(volatile uint8_t *)(base + off) = val;
}

static unsigned run_tests(bool io, word base)
{
    unsigned n = 0;

    for (;; n++) {
        uint32_t off, data;

        put(io, base, 0, (uint8_t)n);
        check_eq("the count begins at zero", get(io, base, 12, 4), 0);
        if (get(io, base, 1, 1) != 1)
            return n;
        off = get(io, base, 4, 4);
        data = get(io, base, 8, 4);
        for (unsigned k = 0; k < 16; k++)
            put(io, base, off, (uint8_t)data);
        check_eq("writes that are counted", get(io, base, 12, 4), 16);
        check("the test has a name", get(io, base, 16, 1));
    }
}

static void test_pci(void)
{
    unsigned slot = 0;

    while (slot < 32 && pci(slot, 0) != 0x00051b36)
        slot++;
    check("pci-testdev is there", slot < 32);
    if (slot == 32)
        return;
    check("its BARs have addresses",
          pci(slot, 0x10) >= 0xc0000000u >> 1 && pci(slot, 0x14) > 0x1000);
    check_eq("BAR 1 is for ports", pci(slot, 0x14) & 3, 1);
    check_eq("both are decoded", pci(slot, 4) & 3, 3);
    check_eq("tests by memory", run_tests(false, pci(slot, 0x10) & ~15u), 3);
    check_eq("tests by ports", run_tests(true, pci(slot, 0x14) & ~3u), 3);
}

static bool says(const char *line, const char *key, unsigned *n)
{
    for (; *line; line++) {
        unsigned k = 0;

        while (key[k] && line[k] == key[k])
            k++;
        if (key[k])
            continue;
        for (*n = 0; line[k] >= '0' && line[k] <= '9'; k++)
            *n = *n * 10 + (unsigned)(line[k] - '0');
        return true;
    }
    return false;
}

static void test_phys_bits(unsigned want)
{
    uint32_t a = 0x80000008, d;

    asm volatile("cpuid" : "+a"(a), "=d"(d)::"ebx", "ecx");
    check_eq("CPUID's physical address bits", a & 0xff, want);
    if (want < 52) { /* where the entry ends */
        pages[1] = UINT64_C(1) << want | 3;
        invlpg(WINDOW + 4096);
        ATTEMPT("movb (%0), %%al", ::"r"((word)WINDOW + 4096) : "rax");
        check_trap("an entry with the bit above", PF, 9);
    }
    pages[1] = UINT64_C(1) << (want - 1) | 3;
    invlpg(WINDOW + 4096);
    ATTEMPT("movb (%0), %%al", ::"r"((word)WINDOW + 4096) : "rax");
    check_no_trap("and with the highest");
}

void main(void)
{
    const char *line = (const char *)(word)mb_info()->cmdline;
    unsigned n;

    trap_hook = interrupt;
    map_devices();
    test_ports();
    test_memory();
    test_flush();
    test_lines();
    test_pci();
    outb(0x43, 0x34);
    outb(0x40, 0xff);
    outb(0x40, 0xff);
    if (says(line, "nopit", &n))
        check("there is no PIT", inb(0x40) == 0xff && inb(0x40) == 0xff && inb(0x40) == 0xff);
    else
        check("there is a PIT", inb(0x40) != 0xff || inb(0x40) != 0xff || inb(0x40) != 0xff);
    if (says(line, "phys=", &n))
        test_phys_bits(n);
    finish();
}
