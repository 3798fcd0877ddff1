// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ACPI S3 (ACPI 3.0b, 7.3.2, 16.3): finds the tables as an operating system does, leaves a waking
 * vector in the FACS, has the RTC's alarm go off in a second, sleeps, and is entered in real mode
 * at the vector with memory as it was and chips as after power-on. "twice" sleeps again from there;
 * "early" has an event pending when it goes to sleep.
 */
#include "multiboot.h"

#define VECTOR    0x8400u /* code in real mode; beyond the guest's own */
#define RTC_EN    0x400u
#define RTC_STS   0x400u
#define WAK_STS   0x8000u
#define SLEEP_S3  0x2400u
#define STACK_TOP 0x90000

static unsigned sleeps;
static uint32_t pm_event, pm_control;
static uint8_t *facs;
static volatile uint32_t canary;
volatile uint32_t after_sleep;

static uint32_t rd32(const uint8_t *p)
{
    return *(const uint32_t *)(word)p;
}

static bool is(const uint8_t *p, const char *name)
{
    return p[0] == name[0] && p[1] == name[1] && p[2] == name[2] && p[3] == name[3];
}

static uint8_t *find_fadt(void)
{
    uint8_t *rsdp = (uint8_t *)0xe0000, *rsdt;

    while ((word)rsdp < 0x100000 && !(is(rsdp, "RSD ") && is(rsdp + 4, "PTR ")))
        rsdp += 16;
    if ((word)rsdp == 0x100000)
        return NULL;
    rsdt = (uint8_t *)(word)rd32(rsdp + 16);
    for (uint32_t at = 36; at < rd32(rsdt + 4); at += 4) {
        uint8_t *table = (uint8_t *)(word)rd32(rsdt + at);

        if (is(table, "FACP"))
            return table;
    }
    return NULL;
}

static uint8_t rtc(uint8_t reg)
{
    outb(0x70, reg);
    return inb(0x71);
}

static void rtc_set(uint8_t reg, uint8_t val)
{
    outb(0x70, reg);
    outb(0x71, val);
}

/* An alarm at the next second. */
static void set_alarm(void)
{
    rtc(12);
    for (uint8_t reg = 1; reg <= 5; reg += 2)
        rtc_set(reg, 0xc0);
    rtc_set(11, rtc(11) | 0x20);
}

void woken(void) __attribute__((noreturn, used));

/* From real mode at the vector to woken: what lib/enter.S does after a reset. */
extern char waking[], waking_end[];
asm(".pushsection .text\n"
    ".code16\n"
    "waking:\n"
    "    cli\n"
    "    xor %ax, %ax\n"
    "    mov %ax, %ds\n"
    "    lgdtl gdt_pointer\n"
    "    mov %cr0, %eax\n"
    "    or $1, %eax\n"
    "    mov %eax, %cr0\n"
    "    ljmpl $0x48, $waking32\n" /* SEL_KCODE32 */
    "waking_end:\n"
    ".code32\n"
    "waking32:\n"
    "    mov $0x10, %eax\n" /* SEL_KDATA */
    "    mov %eax, %ds\n"
    "    mov %eax, %es\n"
    "    mov %eax, %ss\n"
    "    mov $0x90000, %esp\n" /* STACK_TOP */
    "    call woken\n"
    ".popsection\n");

static void sleep(void)
{
    sleeps++;
    after_sleep = 0;
    asm volatile("outw %w0, %w1" ::"a"(SLEEP_S3), "d"(pm_control) : "memory");
    for (;;) /* nothing after the instruction that sleeps is run */
        after_sleep = 1;
}

static bool says(const char *what)
{
    for (const char *p = (const char *)(word)mb_info()->cmdline; *p; p++) {
        unsigned k = 0;

        while (what[k] && p[k] == what[k])
            k++;
        if (!what[k])
            return true;
    }
    return false;
}

static void prepare(void)
{
    for (unsigned k = 0; k < (unsigned)(waking_end - waking); k++)
        ((volatile uint8_t *)VECTOR)[k] = (uint8_t)waking[k];
    *(volatile uint32_t *)(word)(facs + 12) = VECTOR;
    outw((uint16_t)(pm_event + 2), RTC_EN);
    outw((uint16_t)pm_event, 0xffff);
    set_alarm();
    if (says("early")) {
        for (unsigned k = 0; !(inw((uint16_t)pm_event) & RTC_STS) && k < 100000000; k++)
            asm volatile("pause");
        check("the alarm sets its status", inw((uint16_t)pm_event) & RTC_STS);
    }
    canary = 0x600df00d;
}

void woken(void)
{
    outb(0x3fb, 3); /* the serial line is as after reset, too */
    idt_setup();
    check_eq("nothing ran after the sleep began", after_sleep, 0);
    check_eq("memory is as it was", canary, 0x600df00d);
    canary = 0;
    check("the status says that it woke", inw((uint16_t)pm_event) & WAK_STS);
    check("and by what", inw((uint16_t)pm_event) & RTC_STS);
    check_eq("no event is enabled any more", inw((uint16_t)(pm_event + 2)), 0);
    check_eq("nor is the alarm", rtc(11) & 0x20, 0);
    outl(0xcf8, 0x80000b40);
    check_eq("the firmware's work is done again", inl(0xcfc), pm_event | 1);
    if (says("twice") && sleeps < 2) {
        prepare();
        sleep();
    }
    check_eq("it slept as often as it was to", sleeps, says("twice") ? 2 : 1);
    finish();
}

void main(void)
{
    uint8_t *fadt = find_fadt();

    check("there is a FADT", fadt != NULL);
    if (!fadt)
        finish();
    facs = (uint8_t *)(word)rd32(fadt + 36);
    pm_event = rd32(fadt + 56);
    pm_control = rd32(fadt + 64);
    check("there is a FACS", is(facs, "FACS"));
    check_eq("the RTC can wake by its fixed event", fadt[112] >> 6 & 1, 0);
    prepare();
    sleep();
}
