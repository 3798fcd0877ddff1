// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that draws, past every driver: the adapter's ports by iopl, its memory by mmap.
 *   io_frames vbe|part|planar|text COUNT
 * vbe: 1024x768 in 32 bits, the whole screen filled a frame; part: a rectangle of 96x96 of it.
 * planar: 640x480 in 16 colours (mode 12h, registers as in the VGA's documentation, IBM PS/2
 * Hardware Interface Technical Reference): the whole screen in a colour by set/reset (write mode 0)
 * and a bar of 160x160 plane by plane through the map mask.
 * text: coloured lines to Linux's text console, which scrolls for each.
 * Each frame's colour at the middle left of the screen is another than the last one's, so that who
 * looks at the picture can count frames. io_frames vbe 0 only sets the mode.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>

#include "io.h"

#define VBE_INDEX 0x1ce
#define VBE_DATA  0x1cf
#define WIDTH     1024u
#define HEIGHT    768u

/* Mode 12h: miscellaneous output, then the registers of the sequencer, CRTC, graphics controller
 * and attribute controller in order. */
static const uint8_t mode_misc = 0xe3;
static const uint8_t mode_seq[] = {0x03, 0x01, 0x0f, 0x00, 0x06};
static const uint8_t mode_crtc[] = {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00,
                                    0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xea, 0x8c,
                                    0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff};
static const uint8_t mode_gfx[] = {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff};
static const uint8_t mode_attr[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14,
                                    0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d,
                                    0x3e, 0x3f, 0x01, 0x00, 0x0f, 0x00, 0x00};

static void vbe_write(uint16_t index, uint16_t value)
{
    outw(index, VBE_INDEX);
    outw(value, VBE_DATA);
}

static uint16_t vbe_read(uint16_t index)
{
    outw(index, VBE_INDEX);
    return inw(VBE_DATA);
}

/* BAR0 of the PCI device of the display's class. */
static volatile uint32_t *framebuffer(void)
{
    DIR *dir = opendir("/sys/bus/pci/devices");
    struct dirent *e;
    char path[512], class[16];

    need(dir != NULL, "/sys/bus/pci/devices");
    while ((e = readdir(dir))) {
        int fd;
        void *p;

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/class", e->d_name);
        fd = open(path, O_RDONLY);
        memset(class, 0, sizeof(class));
        if (fd < 0 || read(fd, class, sizeof(class) - 1) < 4 || strncmp(class, "0x03", 4))
            continue;
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", e->d_name);
        fd = open(path, O_RDWR);
        need(fd >= 0, path);
        p = mmap(NULL, WIDTH * HEIGHT * 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        need(p != MAP_FAILED, "mmap of the framebuffer");
        return p;
    }
    need(0, "a display adapter");
    return NULL;
}

static void set_vbe_mode(void)
{
    vbe_write(4, 0);
    vbe_write(1, WIDTH);
    vbe_write(2, HEIGHT);
    vbe_write(3, 32);
    vbe_write(4, 0x41); /* on, linear framebuffer */
    need(vbe_read(1) == WIDTH && vbe_read(4) & 1, "the VBE mode");
}

static void index_write(uint16_t port, unsigned index, uint8_t value)
{
    outw((uint16_t)(value << 8 | index), port);
}

static void set_mode_12h(void)
{
    vbe_write(4, 0);
    index_write(0x3c4, 0, 1); /* in reset */
    outb(mode_misc, 0x3c2);
    for (unsigned k = 1; k < sizeof(mode_seq); k++)
        index_write(0x3c4, k, mode_seq[k]);
    index_write(0x3c4, 0, mode_seq[0]);
    index_write(0x3d4, 0x11, 0); /* lets the first seven be written */
    for (unsigned k = 0; k < sizeof(mode_crtc); k++)
        index_write(0x3d4, k, mode_crtc[k]);
    for (unsigned k = 0; k < sizeof(mode_gfx); k++)
        index_write(0x3ce, k, mode_gfx[k]);
    for (unsigned k = 0; k < sizeof(mode_attr); k++) {
        inb(0x3da);
        outb((uint8_t)k, 0x3c0);
        outb(mode_attr[k], 0x3c0);
    }
    inb(0x3da);
    outb(0x20, 0x3c0); /* the screen is on */
}

static void fill(volatile uint32_t *p, uint32_t value, unsigned long n)
{
    asm volatile("rep stosl" : "+D"(p), "+c"(n) : "a"(value) : "memory");
}

static void draw_vbe(volatile uint32_t *fb, unsigned long count)
{
    for (unsigned long k = 0; k < count; k++)
        fill(fb, (uint32_t)k * 0x010307, WIDTH * HEIGHT);
}

static void draw_part(volatile uint32_t *fb, unsigned long count)
{
    for (unsigned long k = 0; k < count; k++)
        for (unsigned y = 150; y < 150 + 96; y++)
            fill(fb + y * WIDTH + 320, (uint32_t)k * 0x010307, 96);
}

static void draw_planar(volatile uint8_t *fb, unsigned long count)
{
    for (unsigned long k = 0; k < count; k++) {
        index_write(0x3c4, 2, 0x0f);
        index_write(0x3ce, 1, 0x0f); /* set/reset gives the colour, whatever is written */
        index_write(0x3ce, 0, k & 15);
        fill((volatile uint32_t *)fb, 0, 80 * 480 / 4);
        index_write(0x3ce, 1, 0);
        for (unsigned plane = 0; plane < 4; plane++) {
            index_write(0x3c4, 2, (uint8_t)(1u << plane));
            for (unsigned y = 16; y < 16 + 160; y++)
                for (unsigned x = 4; x < 4 + 20; x++)
                    fb[y * 80 + x] = (uint8_t)((k + y) >> plane);
        }
    }
}

static void draw_text(unsigned long count)
{
    int fd = open("/dev/tty1", O_WRONLY);
    char line[128];

    need(fd >= 0, "/dev/tty1");
    for (unsigned long k = 0; k < count; k++) {
        int n = snprintf(line, sizeof(line), "\x1b[4%lum", k % 7 + 1);

        memset(line + n, ' ', 79);
        line[n + 79] = '\n';
        need(write(fd, line, (size_t)n + 80) == n + 80, "write");
    }
    close(fd);
}

int main(int argc, char **argv)
{
    unsigned long count;

    need(argc == 3, "arguments");
    count = strtoul(argv[2], NULL, 10);
    if (!strcmp(argv[1], "text")) {
        work_begins();
        draw_text(count);
        work_ends();
        return 0;
    }
    need(!iopl(3), "iopl");
    if (!strcmp(argv[1], "planar")) {
        int fd = open("/dev/mem", O_RDWR);
        void *p = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0xa0000);

        need(p != MAP_FAILED, "/dev/mem");
        set_mode_12h();
        work_begins();
        draw_planar(p, count);
    } else {
        volatile uint32_t *fb = framebuffer();

        set_vbe_mode();
        work_begins();
        if (!strcmp(argv[1], "vbe"))
            draw_vbe(fb, count);
        else
            draw_part(fb, count);
    }
    work_ends();
    return 0;
}
