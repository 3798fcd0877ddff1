// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The smallest kernel that debugging.md and ci.md have something to show with: Multiboot 1, one
 * serial port, an exit status. With "crash" on its command line it ends in a triple fault.
 */
#define MAGIC 0x1badb002u

__attribute__((section(".multiboot"), used)) static const unsigned header[] = {MAGIC, 0, -MAGIC};

unsigned char stack[4096];
volatile unsigned jiffies;

static void outb(unsigned short port, unsigned char val)
{
    __asm__ volatile("outb %0, %1" ::"a"(val), "Nd"(port));
}

static unsigned char inb(unsigned short port)
{
    unsigned char val;

    __asm__ volatile("inb %1, %0" : "=a"(val) : "Nd"(port));
    return val;
}

/* Nobody has set the port up before us: without this a word has five bits, on metal as here. */
static void serial_init(void)
{
    outb(0x3fb, 0x83); /* the divisor's registers, */
    outb(0x3f8, 1);    /* 115200 baud, */
    outb(0x3f9, 0);
    outb(0x3fb, 0x03); /* eight bits, no parity, one stop bit */
}

static void say(const char *text)
{
    for (; *text; text++) {
        while (!(inb(0x3fd) & 0x20)) /* until it takes another byte */
            ;
        outb(0x3f8, (unsigned char)*text);
    }
}

__attribute__((noinline)) void tick(void)
{
    jiffies++;
}

static int asked_to_crash(const char *line)
{
    for (; *line; line++) {
        if (line[0] == ' ' && line[1] == 'c' && line[2] == 'r')
            return 1;
    }
    return 0;
}

void kmain(const unsigned *multiboot)
{
    static const struct {
        unsigned short limit;
        unsigned base;
    } __attribute__((packed)) nothing = {0, 0};

    serial_init();
    say("hello\n");
    for (int n = 0; n < 3; n++)
        tick();
    if (asked_to_crash((const char *)multiboot[4]))
        __asm__ volatile("lidt %0; ud2" ::"m"(nothing));
    say(jiffies == 3 ? "all tests passed\n" : "PANIC\n");
    outb(0x501, 16); /* isa-debug-exit: the status is 16 * 2 + 1 */
    for (;;)
        __asm__ volatile("cli; hlt");
}

__attribute__((naked)) void start(void)
{
    __asm__ volatile("mov $stack + 4096, %esp\n\t"
                     "push %ebx\n\t" /* Multiboot's information */
                     "call kmain");
}
