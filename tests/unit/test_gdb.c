/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gdb's remote protocol (frontends/gdb/): packets from bytes, and sessions with a whole machine
 * over its socket, from a well-behaved gdb and from one that sends anything.
 */
#include "tests/unit/machine_rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cpu/cpu.h"
#include "frontends/gdb/packet.h"
#include "frontends/gdb/regs.h"
#include "frontends/gdb/server.h"

/* ---- packets ---- */

static enum gdb_input feed(struct gdb_framer *f, const char *bytes, size_t n)
{
    enum gdb_input last = GDB_INPUT_NONE;

    for (size_t k = 0; k < n; k++) {
        enum gdb_input now = gdb_framer_byte(f, (uint8_t)bytes[k]);

        last = now ? now : last;
    }
    return last;
}
#define FEED(f, text) feed(f, text, sizeof(text) - 1)

static void test_framer(void **state)
{
    struct gdb_framer *f = g_new0(struct gdb_framer, 1);

    (void)state;
    assert_int_equal(FEED(f, "noise $g#6"), GDB_INPUT_NONE);
    assert_int_equal(FEED(f, "7"), GDB_INPUT_PACKET);
    assert_string_equal(f->data, "g");
    assert_int_equal(FEED(f, "$g#68"), GDB_INPUT_BAD);
    assert_int_equal(FEED(f, "$g#zz"), GDB_INPUT_BAD);
    assert_int_equal(FEED(f, "$#00"), GDB_INPUT_PACKET);
    assert_int_equal(f->len, 0);
    assert_int_equal(FEED(f, "+"), GDB_INPUT_ACK);
    assert_int_equal(FEED(f, "-"), GDB_INPUT_NAK);
    assert_int_equal(FEED(f, "\3"), GDB_INPUT_INTERRUPT);
    assert_int_equal(FEED(f, "$cut off$g#67"), GDB_INPUT_PACKET);
    assert_string_equal(f->data, "g");
    assert_int_equal(FEED(f, "$}\003}\004#04"), GDB_INPUT_BAD);
    assert_int_equal(FEED(f, "$}\003}\004#01"), GDB_INPUT_PACKET);
    assert_int_equal(f->len, 2);
    assert_memory_equal(f->data, "#$", 2);
    g_free(f);
}

static void test_long_packet(void **state)
{
    struct gdb_framer *f = g_new0(struct gdb_framer, 1);

    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        GString *g = g_string_new("$");

        for (unsigned k = 0; k < GDB_PACKET_MAX + over; k++)
            g_string_append_c(g, 'a');
        g_string_append_printf(g, "#%02x", (uint8_t)(('a' * (GDB_PACKET_MAX + over)) & 0xff));
        assert_int_equal(feed(f, g->str, g->len), over ? GDB_INPUT_LONG : GDB_INPUT_PACKET);
        g_string_free(g, TRUE);
    }
    g_free(f);
}

/* Whatever is framed comes out again. */
static void test_round_trip(void **state)
{
    struct gdb_framer *f = g_new0(struct gdb_framer, 1);
    GRand *r = g_rand_new_with_seed(1);

    (void)state;
    for (unsigned k = 0; k < 2000; k++) {
        char data[64];
        size_t n = (size_t)g_rand_int_range(r, 0, sizeof(data));
        GString *out = g_string_new(NULL);

        for (size_t b = 0; b < n; b++)
            data[b] = (char)g_rand_int(r);
        gdb_frame(out, data, n);
        assert_int_equal(feed(f, out->str, out->len), GDB_INPUT_PACKET);
        assert_int_equal(f->len, n);
        assert_memory_equal(f->data, data, n);
        g_string_free(out, TRUE);
    }
    g_rand_free(r);
    g_free(f);
}

/* ---- a client ---- */

static struct gdb_server *server;
static int fd = -1;
static struct gdb_framer *framer;
static bool no_ack;
static GString *said; /* to a person, since the last monitor command began */

/* Every processor counts in [0x500] and calls a subroutine that counts in [0x502]. */
static const uint8_t guest[] = {
    0xff, 0x06, 0x00, 0x05, /* 0: inc word [0x500] */
    0xe8, 0x02, 0x00,       /* 4: call 9 */
    0xeb, 0xf7,             /* 7: jmp 0 */
    0xff, 0x06, 0x02, 0x05, /* 9: inc word [0x502] */
    0xc3,                   /* d: ret */
};
#define BASE 0xffff0000u /* of the code, linear */

static void dispatch_for(int ms)
{
    g_main_context_iteration(NULL, FALSE);
    g_usleep((gulong)ms * 100);
}

static void connect_to_it(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)gdb_server_port(server)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    *framer = (struct gdb_framer){.state = GDB_IDLE};
    no_ack = false;
}

static void begin_with(const uint8_t *code, size_t len)
{
    GError *err = NULL;

    cfg.start_paused = true;
    build(code, len);
    said = g_string_new(NULL);
    server = gdb_server_new(machine, "tcp::0", &err);
    assert_non_null(server);
    start();
    framer = g_new0(struct gdb_framer, 1);
    connect_to_it();
}

static void begin(void)
{
    begin_with(guest, sizeof(guest));
}

static void raw(const void *bytes, size_t n)
{
    ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

    assert_true(sent == (ssize_t)n || (sent < 0 && (errno == EPIPE || errno == ECONNRESET)));
}

static void put(const char *text)
{
    GString *g = g_string_new(NULL);

    gdb_frame(g, text, strlen(text));
    raw(g->str, g->len);
    g_string_free(g, TRUE);
}

/* The next packet that is no text for a person; NULL: the other side has gone. */
static const char *get(void)
{
    int64_t end = g_get_monotonic_time() + LIMIT_S * G_USEC_PER_SEC;

    while (g_get_monotonic_time() < end) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        uint8_t byte;

        if (poll(&p, 1, 0) <= 0) {
            dispatch_for(1);
            continue;
        }
        if (read(fd, &byte, 1) != 1)
            return NULL;
        if (gdb_framer_byte(framer, byte) != GDB_INPUT_PACKET)
            continue;
        if (!no_ack)
            raw("+", 1);
        if (framer->data[0] != 'O' || framer->data[1] == 'K')
            return framer->data;
        const char *hex = framer->data + 1;
        char text[GDB_PACKET_MAX];

        g_string_append_len(said, text, (gssize)gdb_get_hex(&hex, text, sizeof(text)));
    }
    fail_msg("no answer in %d s", LIMIT_S);
    return NULL;
}

static const char *ask(const char *text)
{
    put(text);
    return get();
}

static uint64_t reg(const char *name)
{
    char at[32], number[16];
    const char *xml = gdb_regs_xml(), *p = xml, *hex;
    uint64_t v = 0;
    unsigned n = 0;

    g_snprintf(at, sizeof(at), "<reg name=\"%s\"", name);
    for (; (p = strstr(p, "<reg ")) && !g_str_has_prefix(p, at); p++)
        n++;
    assert_non_null(p);
    g_snprintf(number, sizeof(number), "p%x", n);
    hex = ask(number);
    gdb_get_hex(&hex, &v, 8);
    return v;
}

static void monitor(const char *command)
{
    GString *g = g_string_new("qRcmd,");

    g_string_truncate(said, 0);
    gdb_put_hex(g, command, strlen(command));
    assert_string_equal(ask(g->str), "OK");
    g_string_free(g, TRUE);
}

static uint16_t word(unsigned at)
{
    char text[16];
    const char *hex;
    uint16_t v = 0;

    g_snprintf(text, sizeof(text), "m%x,2", at);
    hex = ask(text);
    assert_int_equal(gdb_get_hex(&hex, &v, 2), 2);
    return v;
}

static int setup_gdb(void **state)
{
    return setup(state);
}

static int setup_gdb_smp(void **state)
{
    return setup_smp(state);
}

static int teardown_gdb(void **state)
{
    if (fd >= 0)
        close(fd);
    fd = -1;
    if (machine && server) {
        machine_quit(machine, 0);
        if (!ends)
            wait_end();
    }
    gdb_server_free(server);
    server = NULL;
    g_free(framer);
    framer = NULL;
    if (said)
        g_string_free(said, TRUE);
    said = NULL;
    return teardown(state);
}

/* ---- sessions ---- */

static void test_session(void **state)
{
    (void)state;
    begin();
    assert_true(g_str_has_prefix(ask("?"), "T02thread:1;"));
    assert_non_null(strstr(ask("qSupported:swbreak+;hwbreak+"), "PacketSize=4000"));
    assert_string_equal(ask("QStartNoAckMode"), "OK");
    no_ack = true;
    assert_int_equal(reg("rip"), 0xfffffff0);
    assert_int_equal(reg("eip"), 0xfffffff0);
    assert_int_equal(reg("ip"), 0xfff0);
    assert_int_equal(reg("cs_base"), 0xffff0000);
    assert_string_equal(ask("mfffffff0,3"), "e90d00");
    assert_string_equal(ask("Mfffffff0,1:90"), "E14"); /* ROM */
    assert_string_equal(ask("M600,2:1234"), "OK");
    assert_string_equal(ask("X602,2:\"A"), "OK");
    assert_string_equal(ask("M600,2:56"), "E22"); /* which changes nothing */
    assert_string_equal(ask("M600,1:5678"), "E22");
    assert_string_equal(ask("X602,2:B"), "E22");
    assert_string_equal(ask("X602,1:BC"), "E22");
    assert_string_equal(ask("m10000000000000600,1"), "E22");
    assert_string_equal(ask("m600,4"), "12342241");
    assert_string_equal(ask("m100000000,4"), "E14");
    assert_string_equal(ask("me0000000,4"), "E14");
    assert_string_equal(ask("mfee00000,4"), "E14"); /* MMIO: nobody looks there by accident */
    assert_int_equal(strlen(ask("m0,ffffffffffffffff")), (GDB_PACKET_MAX / 2 - 16) * 2);
    assert_string_equal(ask("vCont?"), "vCont;c;C;s;S;r");
    assert_string_equal(ask("vMustReplyEmpty"), "");
    assert_string_equal(ask("qfThreadInfo"), "m1");
    assert_string_equal(ask("T1"), "OK");
    assert_string_equal(ask("T2"), "E22");
    assert_string_equal(ask("vCont;s:1"), "T05thread:1;");
    assert_int_equal(reg("rip"), BASE);
    assert_string_equal(ask("s"), "T05thread:1;");
    assert_int_equal(reg("rip"), BASE + 4);
    assert_int_equal(word(0x500), 1);
}

/* All at once, and back: nothing changes. */
static void test_all_registers(void **state)
{
    char *before, *write;

    (void)state;
    begin();
    before = g_strdup(ask("g"));
    write = g_strconcat("G", before, NULL);
    assert_string_equal(ask(write), "OK");
    assert_string_equal(ask("g"), before);
    g_free(before);
    g_free(write);
    assert_string_equal(ask("P1=1122334455667788"), "OK"); /* rbx */
    assert_int_equal(reg("rbx"), UINT64_C(0x8877665544332211));
    assert_int_equal(reg("ebx"), 0x44332211);
    assert_string_equal(ask("P1=11"), "E22");
    assert_string_equal(ask("Pffff=11"), "E22");
    assert_string_equal(ask("pffff"), "E22");
    assert_string_equal(ask("P12=34120000"), "OK"); /* cs: real mode makes its base of it */
    assert_int_equal(reg("cs_base"), 0x12340);
}

static void test_breakpoints(void **state)
{
    (void)state;
    begin();
    assert_non_null(ask("qSupported:swbreak+;hwbreak+"));
    assert_string_equal(ask("Z0,ffff0009,1"), "OK");
    assert_string_equal(ask("Z1,ffff0007,1"), "OK");
    for (unsigned k = 1; k < 5; k++) {
        assert_string_equal(ask("vCont;c"), "T05thread:1;swbreak:;");
        assert_int_equal(word(0x502), k - 1);
        assert_string_equal(ask("c"), "T05thread:1;hwbreak:;");
        assert_int_equal(word(0x502), k);
    }
    assert_string_equal(ask("z0,ffff0009,1"), "OK");
    assert_string_equal(ask("z1,ffff0007,1"), "OK");
    assert_string_equal(ask("Z2,502,2"), "OK");
    assert_string_equal(ask("c"), "T05thread:1;watch:502;");
    assert_int_equal(word(0x502), 5);
    assert_int_equal(reg("rip"), BASE + 0xd);
    assert_string_equal(ask("z2,502,2"), "OK");
    assert_string_equal(ask("Z4,501,1"), "OK");
    assert_string_equal(ask("c"), "T05thread:1;awatch:501;");
    assert_string_equal(ask("z4,501,1"), "OK");
    assert_string_equal(ask("vCont;rffff0000,ffff0009:1"), "T05thread:1;");
    assert_int_equal(reg("rip"), BASE + 9);
    assert_string_equal(ask("Z2,502,0"), "E22");
    assert_string_equal(ask("Z2,fffffffffffffff0,20"), "E22");
    assert_string_equal(ask("Z9,0,1"), "");
}

/* Ctrl-C; packets while it runs. */
static void test_interrupt(void **state)
{
    (void)state;
    begin();
    for (unsigned k = 0; k < 20; k++) {
        uint16_t was = word(0x500);

        put("c");
        while (machine_paused(machine))
            dispatch_for(1);
        assert_string_equal(ask("g"), "E01");
        raw("\3", 1);
        assert_string_equal(get(), "T02thread:1;");
        (void)was;
        assert_true(machine_paused(machine));
    }
}

/* One vCPU is stepped while the others stand, or run; each may be the one. */
static void test_threads(void **state)
{
    (void)state;
    begin();
    assert_string_equal(ask("qfThreadInfo"), "m1,2,3,4");
    assert_string_equal(ask("Hg4"), "OK");
    assert_string_equal(ask("qC"), "QC4");
    assert_string_equal(ask("Hg5"), "E22");
    assert_true(strlen(ask("qThreadExtraInfo,4")) > 20);
    for (unsigned t = 2; t <= 4; t++) { /* out of their waiting */
        machine_cpu(machine, t - 1)->wait_sipi = false;
    }
    for (unsigned t = 1; t <= 4; t++) {
        char text[40], expect[40];
        uint16_t was = word(0x500);

        g_snprintf(text, sizeof(text), "vCont;s:%x", t);
        g_snprintf(expect, sizeof(expect), "T05thread:%x;", t);
        assert_string_equal(ask(text), expect);
        assert_string_equal(ask(text), expect);
        assert_int_equal(word(0x500), was + 1);
        assert_int_equal(reg("rip"), BASE + 4);
    }
    for (unsigned t = 1; t <= 4; t++) {
        char text[40], expect[40];

        g_snprintf(text, sizeof(text), "vCont;s:%x;c", t);
        g_snprintf(expect, sizeof(expect), "T05thread:%x;", t);
        for (unsigned k = 0; k < 10; k++)
            assert_string_equal(ask(text), expect);
    }
    assert_string_equal(ask("Hc3"), "OK");
    assert_string_equal(ask("s"), "T05thread:3;");
}

/* Several hit breakpoints at once: each is told of, one after the other. */
static void test_stops_of_all(void **state)
{
    unsigned seen = 0;

    (void)state;
    begin();
    for (unsigned t = 2; t <= 4; t++)
        machine_cpu(machine, t - 1)->wait_sipi = false;
    assert_string_equal(ask("Z0,ffff0004,1"), "OK");
    for (unsigned k = 0; k < 400 && seen != 0x1e; k++) {
        const char *stop = ask("c");

        assert_true(g_str_has_prefix(stop, "T05thread:"));
        seen |= 1u << g_ascii_digit_value(stop[10]);
        assert_int_equal(reg("rip"), BASE + 4);
    }
    assert_int_equal(seen, 0x1e);
}

/* QEMU's names for what two monitor commands do. */
static void test_qemu_packets(void **state)
{
    (void)state;
    begin();
    assert_string_equal(ask("qqemu.sstepbits"), "ENABLE=1,NOIRQ=2,NOTIMER=4");
    assert_string_equal(ask("qqemu.sstep"), "0x7");
    assert_string_equal(ask("Qqemu.sstep=5"), "OK");
    assert_string_equal(ask("qqemu.sstep"), "0x5");
    monitor("step-interrupts");
    assert_string_equal(said->str, "interrupts are taken during a step\n");
    assert_string_equal(ask("Qqemu.sstep=0x7"), "OK");
    assert_string_equal(ask("qqemu.sstep"), "0x7");
    assert_string_equal(ask("Qqemu.sstep=8"), "E22");
    assert_string_equal(ask("Qqemu.sstep="), "E22");
    assert_string_equal(ask("qqemu.PhyMemMode"), "0");
    assert_string_equal(ask("Qqemu.PhyMemMode:1"), "OK");
    assert_string_equal(ask("qqemu.PhyMemMode"), "1");
    assert_string_equal(ask("Qqemu.PhyMemMode:2"), "");
}

/* Whoever asks is told who has stopped it. */
static void test_machine_state(void **state)
{
    (void)state;
    begin();
    assert_string_equal(ask("?"), "T02thread:1;");
    assert_int_equal(machine_run_state(machine), RUN_STATE_PAUSED);
    assert_string_equal(ask("Z0,ffff0004,1"), "OK");
    assert_string_equal(ask("c"), "T05thread:1;");
    assert_int_equal(machine_run_state(machine), RUN_STATE_DEBUGGED);
    assert_string_equal(ask("z0,ffff0004,1"), "OK");
    put("c");
    while (machine_paused(machine))
        dispatch_for(1);
    assert_int_equal(machine_run_state(machine), RUN_STATE_RUNS);
    raw("\3", 1);
    assert_string_equal(get(), "T02thread:1;");
    assert_int_equal(machine_run_state(machine), RUN_STATE_PAUSED);
    assert_string_equal(ask("s"), "T05thread:1;");
    assert_int_equal(machine_run_state(machine), RUN_STATE_DEBUGGED);
}

static void test_monitor(void **state)
{
    (void)state;
    begin();
    monitor("help");
    assert_non_null(strstr(said->str, "break-exception N"));
    monitor("mode");
    assert_string_equal(said->str,
                        "CPU 0: real mode; CS f000 base ffff0000 IP fff0, linear fffffff0\n");
    monitor("regs");
    assert_non_null(strstr(said->str, "CR0 60000010"));
    monitor("history");
    assert_string_equal(said->str, "CPU 0: no exception so far\n");
    monitor("frobnicate");
    assert_non_null(strstr(said->str, "unknown command 'frobnicate'"));
    monitor("break-exception 300");
    assert_non_null(strstr(said->str, "is needed"));
    monitor("break-port 0x10-1");
    assert_non_null(strstr(said->str, "is needed"));
    monitor("break-phys 0xffff0009");
    assert_string_equal(ask("c"), "T05thread:1;");
    assert_int_equal(reg("rip"), BASE + 9);
    monitor("break-delete all");
    monitor("watch-phys 0x500-0x501 w");
    assert_string_equal(ask("c"), "T05thread:1;");
    assert_int_equal(reg("rip"), BASE + 4);
    monitor("break-list");
    assert_non_null(strstr(said->str, ": physical watch 0x500-0x501 w\n"));
    monitor("break-delete all");
    monitor("break-list");
    assert_string_equal(said->str, "");
    monitor("phys on");
    assert_string_equal(ask("m500,1"), "02");
    monitor("reset");
    assert_int_equal(reg("rip"), 0xfffffff0);
    assert_true(machine_paused(machine));
}

/* The way to a triple fault can be seen before the machine is reset, and once more after that. A
 * fault is a signal; the guest is given it when it goes on. */
static void test_triple_fault(void **state)
{
    static const uint8_t faults[] = {
        0x0f, 0x01, 0x1e, 0x00, 0x06, /* lidt [0x600]: all zero */
        0x0f, 0x0b,                   /* ud2 */
    };

    (void)state;
    begin_with(faults, sizeof(faults));
    for (unsigned k = 0; k < 2; k++) {
        assert_string_equal(ask("c"), "T06thread:1;");
        assert_int_equal(reg("rip"), BASE + 5);
        monitor("history");
        assert_non_null(strstr(said->str, "vector  6 at f000:5"));
        assert_non_null(strstr(said->str, "vector  8 error 0000 at f000:5"));
    }
    monitor("break-exception 6");
    assert_string_equal(ask("c"), "T04thread:1;");
    assert_int_equal(reg("rip"), BASE + 5);
    assert_non_null(strstr(said->str, "vector 6 is about to be delivered"));
    monitor("break-triple off");
    monitor("break-delete all");
    assert_string_equal(ask("Z0,fffffff0,1"), "OK"); /* met behind the reset */
    assert_true(g_str_has_prefix(ask("C04"), "T05"));
    assert_int_equal(reg("rip"), 0xfffffff0);
    assert_int_equal(reg("idtr_limit"), 0xffff);
}

/* gdb goes, in order or not, and comes again; points of the first are gone. */
static void test_reconnect(void **state)
{
    (void)state;
    begin();
    for (unsigned k = 0; k < 6; k++) {
        assert_string_equal(ask("Z0,ffff0004,1"), "OK");
        if (k & 1)
            assert_string_equal(ask("D"), "OK");
        if (k & 2)
            put("c");
        if (k & 4)
            raw("$m0,", 4);
        close(fd);
        fd = -1;
        while (machine_paused(machine))
            dispatch_for(1);
        connect_to_it();
        assert_true(g_str_has_prefix(ask("?"), "T02"));
        assert_true(machine_paused(machine));
    }
    assert_string_equal(ask("z0,ffff0004,1"), "OK");
}

/* The end of the machine is told, and kill ends it. */
static void test_end(void **state)
{
    (void)state;
    begin();
    assert_non_null(ask("?"));
    put("c");
    while (machine_paused(machine))
        dispatch_for(1);
    machine_quit(machine, 5);
    assert_string_equal(get(), "W05");
    if (!ends)
        wait_end();
}

/* The access that ends the machine is told of before it does, once, whatever stops there. */
static void test_stop_before_the_end(void **state)
{
    static const uint8_t exits[] = {EXIT(3)}; /* mov dx, mov al, out */

    (void)state;
    begin_with(exits, sizeof(exits));
    monitor("break-port 0x501 w");
    assert_string_equal(ask("c"), "T05thread:1;");
    assert_int_equal(machine_exit_status(machine), -1);
    assert_int_equal(reg("rip"), BASE + sizeof(exits) - 3); /* behind the OUT */
    monitor("reset");                                       /* forgets it */
    assert_string_equal(ask("s"), "T05thread:1;");
    assert_string_equal(ask("c"), "T05thread:1;");
    assert_int_equal(machine_exit_status(machine), -1);
    put("c");
    assert_string_equal(get(), "W07");
    if (!ends)
        wait_end();
    assert_int_equal(machine_exit_status(machine), 7);
}

static void test_kill(void **state)
{
    (void)state;
    begin();
    assert_string_equal(ask("vKill;1"), "OK");
    if (!ends)
        wait_end();
    assert_int_equal(machine_exit_status(machine), 0);
}

/* Packets of any bytes, whole, cut, with wrong sums; then an honest one is answered. Those that end
 * the session are left out. */
static void test_noise(void **state)
{
    static const char first[] = "?gGpPmMXHTZzqQvcCsSxyz0!\xff";
    static const char *const words[] = {"Cont;",     "Cont;s:",
                                        "Rcmd,",     "Xfer:features:read:target.xml:",
                                        "Supported", "ThreadExtraInfo,",
                                        ",",         ":",
                                        ";",         "=",
                                        "-1",        "ffffffffffffffff",
                                        "0",         "1",
                                        "7",         "10000000000000000"};
    GRand *r = g_rand_new_with_seed(7);

    (void)state;
    begin();
    for (unsigned k = 0; k < 3000; k++) {
        GString *data = g_string_new(NULL), *out = g_string_new(NULL);

        g_string_append_c(data, first[g_rand_int_range(r, 0, sizeof(first) - 1)]);
        for (int n = g_rand_int_range(r, 0, 6); n > 0; n--) {
            if (g_rand_boolean(r))
                g_string_append(data, words[g_rand_int_range(r, 0, G_N_ELEMENTS(words))]);
            else
                g_string_append_c(data, (char)g_rand_int(r));
        }
        if (g_str_has_prefix(data->str, "vKill"))
            g_string_truncate(data, 0);
        gdb_frame(out, data->str, data->len);
        if (g_rand_int_range(r, 0, 8) == 0)
            out->str[g_rand_int_range(r, 0, (gint32)out->len)] ^= 0x11;
        raw(out->str, out->len);
        g_string_free(data, TRUE);
        g_string_free(out, TRUE);
        if (k % 50 == 49) {
            char sink[4096];

            for (unsigned turn = 0; turn < 20; turn++)
                dispatch_for(1);
            raw("#00\3", 4);
            for (unsigned turn = 0; turn < 20; turn++)
                dispatch_for(1);
            while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
                ;
        }
    }
    raw("#00\3", 4);
    while (!machine_paused(machine))
        dispatch_for(1);
    /* a new gdb finds all as it should be */
    close(fd);
    while (machine_paused(machine))
        dispatch_for(1);
    connect_to_it();
    assert_true(g_str_has_prefix(ask("?"), "T02"));
    assert_int_equal(strlen(ask("p0")), 16);
    g_rand_free(r);
}

static void test_bad_places(void **state)
{
    static const char *const bad[] = {
        "",      "tcp:",      "tcp:1234", "tcp::port", "tcp::70000",
        "unix:", "udp::1234", "tcp::-1",  "stdi",      "unix:/nonexistent/directory/socket"};

    (void)state;
    build(guest, sizeof(guest));
    for (unsigned k = 0; k < G_N_ELEMENTS(bad); k++) {
        GError *err = NULL;

        assert_null(gdb_server_new(machine, bad[k], &err));
        assert_non_null(err);
        assert_null(strchr(err->message, '\n'));
        g_error_free(err);
    }
}

#define GDB_TEST(fn)     cmocka_unit_test_setup_teardown(fn, setup_gdb, teardown_gdb)
#define GDB_TEST_SMP(fn) cmocka_unit_test_setup_teardown(fn, setup_gdb_smp, teardown_gdb)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_framer),
        cmocka_unit_test(test_long_packet),
        cmocka_unit_test(test_round_trip),
        GDB_TEST(test_session),
        GDB_TEST(test_all_registers),
        GDB_TEST(test_breakpoints),
        GDB_TEST(test_interrupt),
        GDB_TEST_SMP(test_interrupt),
        GDB_TEST_SMP(test_threads),
        GDB_TEST_SMP(test_stops_of_all),
        GDB_TEST(test_qemu_packets),
        GDB_TEST(test_machine_state),
        GDB_TEST(test_monitor),
        GDB_TEST(test_triple_fault),
        GDB_TEST(test_reconnect),
        GDB_TEST_SMP(test_reconnect),
        GDB_TEST(test_end),
        GDB_TEST(test_stop_before_the_end),
        GDB_TEST(test_kill),
        GDB_TEST_SMP(test_noise),
        GDB_TEST(test_bad_places),
    };

    return unit_main(tests);
}
