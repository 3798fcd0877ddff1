/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal view, on a pseudo-terminal: what is sent, and that nothing is when nothing changed.
 */
#include "tests/unit/vga_bench.h"

#include "frontends/cli/text_view.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct rig {
    struct vga_bench b;
    int master, slave;
    int locked;
    struct text_view *view;
};

static void lock(void *opaque)
{
    ((struct rig *)opaque)->locked++;
}

static void unlock(void *opaque)
{
    ((struct rig *)opaque)->locked--;
}

static void rig_open(struct rig *r)
{
    struct winsize ws = {.ws_col = 80, .ws_row = 30};
    struct text_view_config cfg = {.opaque = r, .lock = lock, .unlock = unlock};

    memset(r, 0, sizeof(*r));
    bench_open(&r->b);
    vga_boot_text_mode(r->b.vga, NULL, 0);
    assert_int_equal(openpty(&r->master, &r->slave, NULL, NULL, &ws), 0);
    assert_int_equal(fcntl(r->master, F_SETFL, O_NONBLOCK), 0);
    cfg.vga = r->b.vga;
    cfg.fd = r->slave;
    r->view = text_view_new(&cfg, NULL);
    assert_non_null(r->view);
}

static void rig_close(struct rig *r)
{
    text_view_free(r->view);
    assert_int_equal(r->locked, 0);
    close(r->master);
    close(r->slave);
    bench_close(&r->b);
}

/* Everything that has been painted since the last call, g_free() it. A pty holds only so much, so
 * painting goes on as it is emptied. */
static char *painted(struct rig *r)
{
    GString *out = g_string_new(NULL);
    char buf[4096];
    unsigned idle = 0;

    while (idle < 3) {
        ssize_t n = read(r->master, buf, sizeof(buf));

        if (n > 0) {
            g_string_append_len(out, buf, n);
            idle = 0;
        } else {
            idle++;
            text_view_update(r->view);
            g_usleep(1000);
        }
    }
    return g_string_free(out, FALSE);
}

static void put(struct rig *r, unsigned col, unsigned row, uint8_t ch, uint8_t attr)
{
    bus_write(r->b.mmio, 0xb8000 + 2 * (80 * row + col), ch | (uint64_t)attr << 8, 2);
}

static void expect(struct rig *r, const char *want)
{
    char *text = painted(r);

    if (!strstr(text, want))
        print_message("painted: \"%s\"\n", text);
    assert_non_null(strstr(text, want));
    g_free(text);
}

static void test_paint(void **state)
{
    struct rig r;
    char *text;

    (void)state;
    rig_open(&r);
    text = painted(&r);
    assert_true(g_str_has_prefix(text, "\033[?1049h"));
    g_free(text);
    text = painted(&r);
    assert_string_equal(text, ""); /* nothing changed */
    g_free(text);
    put(&r, 3, 4, 'H', 0x1e); /* yellow on blue */
    put(&r, 4, 4, 0xba, 0x1e);
    expect(&r, "\033[5;4H\033[0;93;44mH║");
    put(&r, 79, 24, 'z', 0x8c); /* blinking light red */
    expect(&r, "\033[25;80H\033[0;91;40;5mz");
    outx(&r.b, 0x3d4, 0x0e, 0);
    outx(&r.b, 0x3d4, 0x0f, 82);
    expect(&r, "\033[2;3H\033[?25h");
    outx(&r.b, 0x3d4, 0x0a, 0x20);
    expect(&r, "\033[?25l");
    rig_close(&r);
}

static void test_modes(void **state)
{
    struct rig r;

    (void)state;
    rig_open(&r);
    g_free(painted(&r));
    put(&r, 0, 0, 'Q', 0x07);
    expect(&r, "Q");
    vbe_mode(&r.b, 1024, 768, 32);
    expect(&r, "(graphics mode 1024x768, 32 bits)");
    vbe_out(&r.b, 4, 0);
    vga_boot_text_mode(r.b.vga, NULL, 0);
    put(&r, 0, 0, 'R', 0x07);
    expect(&r, "R");
    rig_close(&r);
}

/* A terminal smaller than the screen gets the corner of it. */
static void test_small_terminal(void **state)
{
    struct winsize ws = {.ws_col = 40, .ws_row = 10};
    struct rig r;
    char *text;

    (void)state;
    rig_open(&r);
    g_free(painted(&r));
    assert_int_equal(ioctl(r.slave, TIOCSWINSZ, &ws), 0);
    g_free(painted(&r));
    put(&r, 40, 3, 'X', 0x07);
    put(&r, 3, 10, 'Y', 0x07);
    text = painted(&r);
    assert_null(strchr(text, 'X'));
    assert_null(strchr(text, 'Y'));
    g_free(text);
    put(&r, 39, 9, 'Z', 0x07);
    expect(&r, "\033[10;40H\033[0;37;40mZ");
    /* the lower part, once the cursor is there */
    outx(&r.b, 0x3d4, 0x0e, 24 * 80 >> 8);
    outx(&r.b, 0x3d4, 0x0f, (uint8_t)(24 * 80 + 2));
    g_free(painted(&r));
    put(&r, 5, 24, 'W', 0x07);
    expect(&r, "\033[10;6H\033[0;37;40mW\033[0m\033[10;3H\033[?25h");
    rig_close(&r);
}

static void test_not_a_terminal(void **state)
{
    struct text_view_config cfg = {.fd = open("/dev/null", O_WRONLY)};
    GError *err = NULL;

    (void)state;
    assert_null(text_view_new(&cfg, &err));
    assert_non_null(strstr(err->message, "terminal"));
    g_clear_error(&err);
    close(cfg.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paint),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_small_terminal),
        cmocka_unit_test(test_not_a_terminal),
    };
    return unit_main(tests);
}
