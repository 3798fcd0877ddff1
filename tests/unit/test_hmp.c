/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The human monitor: expressions, the line editor, and what its commands say of a machine. */
#include "tests/unit/monitor_rig.h"

#include <sys/stat.h>

#include "cpu/cpu.h"
#include "cpu/state.h"
#include "frontends/monitor/expr.h"
#include "frontends/monitor/hmp.h"
#include "frontends/monitor/line_edit.h"

#define COUNTS 0xf0, 0xff, 0x06, 0x00, 0x05, 0xeb, 0xf9 /* lock inc word [0x500]; for ever */

/* ---- expressions ---- */

static void test_expressions(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"1", 1},
        {"0x10 + 2*3", 22},
        {"(1+2)*3", 9},
        {"-1", UINT64_MAX},
        {"~0 & 0xff", 255},
        {"10/3%2", 1},
        {"1|2^3&1", 3},
        {"'a'", 97},
        {"$rip+1", 0x1235},
        {"$EAX", 0x55667788},
        {"$rax", 0x1122334455667788},
        {"$cs", 0xf000},
        {"$cs.base", 0xffff0000},
        {"0xffffffffffffffff+1", 0},
        {"- - -2", (uint64_t)-2},
    };
    static const char *const wrong[] = {"",     "(1",  "1/0",  "1%0", "$nothing",
                                        "+",    "0xg", "12ab", "foo", "(((",
                                        "'ab'", "1+",  "$",    "09x", "0x1ffffffffffffffff"};
    struct x86_state cpu = {.rip = 0x1234};

    (void)state;
    cpu.gpr[REG_RAX] = 0x1122334455667788;
    cpu.seg[SEG_CS] = (struct x86_state_segment){.sel = 0xf000, .base = 0xffff0000};
    for (unsigned k = 0; k < G_N_ELEMENTS(good); k++) {
        const char *at = good[k].text;
        uint64_t v;

        if (!expr_eval(&at, &cpu, false, &v, NULL) || *at || v != good[k].value)
            fail_msg("%s", good[k].text);
    }
    for (unsigned k = 0; k < G_N_ELEMENTS(wrong); k++) {
        const char *at = wrong[k];
        GError *err = NULL;
        uint64_t v;

        if (expr_eval(&at, &cpu, false, &v, &err))
            fail_msg("took %s", wrong[k]);
        g_error_free(err);
    }
}

/* Where more arguments follow, an operator that leans on what is behind it is not the expression's.
 */
static void test_expression_ends(void **state)
{
    static const struct {
        const char *text, *rest;
        uint64_t value;
    } cases[] = {
        {"100 /tmp/x", " /tmp/x", 100},
        {"4096 -8 f", " -8 f", 4096},
        {"8 - 2 f", " f", 6},
        {"8-2 f", " f", 6},
        {"(8 -2) f", " f", 6},
        {"8*2 *3", " *3", 16},
        {"8 %x", " %x", 8},
    };

    (void)state;
    for (unsigned k = 0; k < G_N_ELEMENTS(cases); k++) {
        const char *at = cases[k].text;
        uint64_t v;

        assert_true(expr_eval(&at, NULL, true, &v, NULL));
        assert_int_equal(v, cases[k].value);
        assert_string_equal(at, cases[k].rest);
    }
}

/* Depth is bounded, whatever nests. */
static void test_deep_expressions(void **state)
{
    (void)state;
    for (const char *c = "(-~+"; *c; c++) {
        char *text = g_strnfill(1000000, *c);
        const char *at = text;
        GError *err = NULL;
        uint64_t v;

        assert_false(expr_eval(&at, NULL, false, &v, &err));
        assert_non_null(strstr(err->message, "too deep"));
        g_error_free(err);
        g_free(text);
    }
}

/* ---- the line editor ---- */

/* Types; the last line that was ended, or what stands in the line at a final Enter. */
static char *type(struct line_edit *e, const char *keys)
{
    GString *show = g_string_new(NULL);
    char *line = NULL;

    line_edit_start(e, show);
    for (; *keys; keys++) {
        char *one = line_edit_type(e, (uint8_t)*keys, show);

        if (one) {
            g_free(line);
            line = one;
            if (keys[1])
                line_edit_start(e, show);
        }
    }
    g_string_free(show, TRUE);
    return line;
}

static void expect_line(struct line_edit *e, const char *keys, const char *want)
{
    char *line = type(e, keys);

    assert_non_null(line);
    assert_string_equal(line, want);
    g_free(line);
}

static void test_line_editor(void **state)
{
    struct line_edit *e = line_edit_new("> ", hmp_complete);

    (void)state;
    expect_line(e, "abc\r", "abc");
    expect_line(e,
                "abc\x7f\x7f"
                "d\r",
                "ad");
    expect_line(e, "abc\033[D\033[DX\r", "aXbc");
    expect_line(e, "abc\001X\005Y\r", "XabcY");
    expect_line(e, "one two three\027\r", "one two ");
    expect_line(e, "abc\033[D\013\r", "ab");
    expect_line(e, "abc\033[D\025\r", "c");
    expect_line(e, "abc\033[H\033[3~\r", "bc");
    expect_line(e, "abc\033OHx\033OFy\r", "xabcy");
    expect_line(e, "\033[A\r", "xabcy");
    expect_line(e, "new\033[A\033[A\033[B\033[B\r", "new");
    expect_line(e, "\020\020\020\r", "bc");
    expect_line(e, "\303\244\303\266\033[Dx\177\177\r", "\303\266");
    expect_line(e, "a\377\303b\244\303\303\244\360\237\230\200\302\205\355\240\200c\r",
                "ab\303\244\360\237\230\200c"); /* what is no UTF-8 is not typed */
    expect_line(e, "\033[999999999999999999999;5Za\r", "a");
    expect_line(e, "\x7f\x04\013\025\027\002\006\r", "");
    for (unsigned n = 0; n < 2 * LINE_EDIT_HISTORY; n++) {
        char *text = g_strdup_printf("%u\r", n);

        g_free(type(e, text));
        g_free(text);
    }
    assert_non_null(line_edit_history(e, LINE_EDIT_HISTORY - 1));
    assert_null(line_edit_history(e, LINE_EDIT_HISTORY));
    line_edit_free(e);
}

static void test_completion(void **state)
{
    struct line_edit *e = line_edit_new("> ", hmp_complete);

    (void)state;
    expect_line(e, "scr\tx\r", "screendump x");
    expect_line(e, "info reg\t-a\r", "info registers -a");
    expect_line(e, "system_\tr\t\r", "system_reset ");
    expect_line(e, "x /4i $ri\t+1\r", "x /4i $rip +1");
    expect_line(e, "sendkey ctrl-backsl\t\r", "sendkey ctrl-backslash ");
    expect_line(e, "help info mtr\t\r", "help info mtree ");
    expect_line(e, "zzz\t\r", "zzz");
    line_edit_free(e);
}

/* Any bytes: bounded, and alive. */
static void test_line_editor_garbage(void **state)
{
    struct line_edit *e = line_edit_new("> ", hmp_complete);
    GRand *r = g_rand_new_with_seed(1);
    GString *show = g_string_new(NULL);

    (void)state;
    line_edit_start(e, show);
    for (unsigned k = 0; k < 200000; k++) {
        uint8_t byte = (uint8_t)g_rand_int(r);
        char *line = line_edit_type(e, byte == '\r' || byte == '\n' ? 'x' : byte, show);

        assert_null(line);
        g_string_truncate(show, 0);
    }
    for (unsigned k = 0; k < 2 * LINE_EDIT_MAX; k++)
        line_edit_type(e, 'y', show);
    g_string_free(show, TRUE);
    expect_line(e, "\001\013ok\r", "ok");
    g_rand_free(r);
    line_edit_free(e);
}

/* ---- commands ---- */

static char *line(const char *text)
{
    return monitor_human_line(monitor, text, 0);
}

static void expect_says(const char *text, const char *part)
{
    char *said = line(text);

    if (!strstr(said, part))
        fail_msg("%s: \"%s\", without \"%s\"", text, said, part);
    g_free(said);
}

static void expect_exactly(const char *text, const char *want)
{
    char *said = line(text);

    if (strcmp(said, want))
        fail_msg("%s: \"%s\", not \"%s\"", text, said, want);
    g_free(said);
}

static void test_every_command_has_help(void **state)
{
    (void)state;
    BEGIN(MONITOR_HUMAN, COUNTS);
    for (unsigned g = 0; hmp_groups[g]; g++) {
        for (unsigned k = 0; k < hmp_groups[g]->n; k++) {
            char *text = g_strdup_printf("help %s", hmp_groups[g]->command[k].name);

            expect_says(text, hmp_groups[g]->command[k].what);
            g_free(text);
        }
    }
    expect_says("help", "-- pauses the machine\n");
    expect_says("help nothing", "Error: there is no command 'nothing'");
}

static void test_vm(void **state)
{
    (void)state;
    BEGIN(MONITOR_HUMAN, COUNTS);
    expect_exactly("info status", "VM status: running\n");
    expect_exactly("stop", "");
    assert_true(machine_paused(machine));
    expect_exactly("info status", "VM status: paused\n");
    expect_exactly("c", "");
    assert_false(machine_paused(machine));
    expect_exactly("info version", "Penumbra 1.2.3\n");
    expect_exactly("info name", "guest\n");
    expect_exactly("info chardev", "serial0: filename=null\n");
    expect_exactly("info block", "there are no drives\n");
    expect_says("info network", "no network adapter");
    expect_says("info usb", "no USB controller");
    expect_says("info pci", "8086:1237");
    expect_says("info roms", "firmware: 64 KiB");
    expect_says("nonsense", "Error: unknown command 'nonsense'");
    expect_says("info nonsense", "Error: there is nothing about 'nonsense'");
    expect_says("stop it", "Error: 'it' is too much");
    expect_says("eject", "Error: device is missing");
    expect_says("eject sda", "Error: Device 'sda' not found");
    expect_says("change -f sda \"a b", "Error: a \" is missing");
    expect_says("screendump x", "Error: there is no screen");
    expect_says("sendkey ctrl-foo", "no key 'foo'");
    expect_exactly("sendkey ctrl-alt-delete", "");
    expect_exactly("sendkey 0x1e 10", "");
    expect_exactly("", "");
    expect_exactly("# a comment", "");
    expect_exactly("quit", "");
    wait_over();
    assert_int_equal(machine_exit_status(machine), MACHINE_EXIT_OFF);
    expect_says("info registers", "Error: the machine is ending");
}

static void test_processors(void **state)
{
    char *said;

    (void)state;
    BEGIN(MONITOR_HUMAN, COUNTS);
    expect_says("info cpus", "* CPU #0: f000:000000000000");
    expect_says("info cpus", "  CPU #3: ");
    expect_says("info cpus", "waits for its start");
    expect_says("info registers", "RIP 000000000000000");
    said = line("info registers -a");
    assert_non_null(strstr(said, "processor 3:"));
    g_free(said);
    expect_says("cpu 4", "Error: there are processors 0 to 3");
    expect_says("info lapic", "local APIC 0, base MSR 0xfee00900, bootstrap processor");
    said = monitor_human_line(monitor, "info lapic", 2);
    assert_true(g_str_has_prefix(said, "local APIC 2, base MSR 0xfee00800\n"));
    g_free(said);
    expect_says("info ioapic", "pin 23: 0x0000000000010000 line low");
    expect_says("info pic", "slave: ");
    expect_says("info irq", "23: low\n");
    expect_says("info mmu", "CPU #3: paging is off");
    expect_says("info blocks", "CPU #0: ");
    expect_exactly("info mem", "paging is off\n");
}

static void test_memory(void **state)
{
    uint8_t *ram;

    (void)state;
    BEGIN(MONITOR_HUMAN, COUNTS);
    ram = machine_board(machine)->mem.ram.low;
    memcpy(ram + 0x1000, "ABCDEFGH\x80\xff\xff\xff\xfe\xff\xff\xff", 16);
    expect_exactly("xp /2xw 0x1000", "0000000000001000: 0x44434241 0x48474645\n");
    expect_exactly("x /xg 0x1000", "0000000000001000: 0x4847464544434241\n");
    expect_exactly("xp /3c 0x1000", "0000000000001000: 'A' 'B' 'C'\n");
    expect_exactly("xp /1dw 0x100c", "000000000000100c: -2\n");
    expect_exactly("xp /1uw 0x100c", "000000000000100c: 4294967294\n");
    expect_exactly("xp /1db 0x1008", "0000000000001008: -128\n");
    expect_exactly("xp /1oh 0x1000", "0000000000001000: 041101\n");
    expect_says("xp /2i 0xffff0000",
                "00000000ffff0000:  f0ff060005           lock inc word ptr [0x500]\n");
    expect_says("xp /2i 0xffff0000", "ffff0005:  ebf9                 jmp ");
    expect_exactly("xp /2xw 0xe0000000", "00000000e0000000: no memory can be read here\n");
    expect_says("xp /2xw 0x3ffffc", "0000000000400000: no memory can be read here\n");
    expect_exactly("p 2*(3+4)", "0xe\n");
    expect_exactly("p /d 0-5", "-5\n");
    expect_exactly("print $cs", "0xf000\n");
    expect_exactly("gva2gpa 0x1234", "gpa: 0x1234\n");
    expect_says("gpa2hva 0x1234", "hva: 0x");
    expect_exactly("gpa2hva 0xe0000000", "no memory there: a device, or nothing\n");
    expect_exactly("walk 0x1234", "paging is off: physical address 0x1234\n");
    expect_says("info mtree", "0000fee00000-0000fee00fff local-apic");
    expect_says("info mtree", "000000000020-000000000021 pic master");
    expect_says("x /70000x 0", "Error: '/70000x' is more than 65536");
    expect_says("x /q 0", "Error: '/q' is no format");
    expect_says("p /i 1", "Error");
    expect_says("x /65536xb 0", "0000000000000ff0: ");
    for (unsigned k = 0; k < 3; k++) { /* a lot, and cut off */
        char *said = line("xp /65536i 0");

        assert_true(strlen(said) <= HMP_OUTPUT_MAX + 100);
        g_free(said);
    }
}

/* The guest builds 32-bit tables: 0 is a large page, 4 MiB a table with one page, supervisor and
 * read-only. It turns paging on and counts. */
static void test_walk(void **state)
{
    static const uint8_t code[] = {
        0x66, 0xc7, 0x06, 0x00, 0x20, 0x87, 0,    0,    0,    /* dword [0x2000] = 87h */
        0x66, 0xc7, 0x06, 0x04, 0x20, 0x07, 0x30, 0,    0,    /* [0x2004] = 3007h */
        0x66, 0xc7, 0x06, 0x14, 0x30, 0x01, 0x50, 0,    0,    /* [0x3014] = 5001h */
        0x66, 0xb8, 0x10, 0,    0,    0,    0x0f, 0x22, 0xe0, /* CR4 = PSE */
        0x66, 0xb8, 0,    0x20, 0,    0,    0x0f, 0x22, 0xd8, /* CR3 = 2000h */
        0x66, 0xb8, 0x01, 0,    0x01, 0x80,                   /* PG, WP, PE */
        0xc6, 0x06, 0x00, 0x05, 0x01,                         /* byte [0x500] = 1 */
        0x66, 0xc7, 0x06, 0xfc, 0x2f, 0x87, 0,    0xc0, 0xff, /* [0x2ffc]: the ROM, large */
        0x0f, 0x22, 0xc0,                                     /* CR0 */
        0xc6, 0x06, 0x00, 0x05, 0x02, 0xf0, 0xff, 0x06, 0x00, 0x06, 0xeb, 0xf9};
    const uint8_t *ram;
    char *said;

    (void)state;
    begin(code, sizeof(code), MONITOR_HUMAN);
    ram = machine_board(machine)->mem.ram.low;
    while (__atomic_load_n(ram + 0x500, __ATOMIC_RELAXED) != 2)
        turn();
    expect_exactly("gva2gpa 0x405123", "gpa: 0x5123\n");
    expect_exactly("gva2gpa 0x123456", "gpa: 0x123456\n");
    expect_exactly("gva2gpa 0x406000", "not mapped\n");
    said = line("walk 0x405123");
    assert_non_null(strstr(said, "32-bit paging, CR3 = 0x2000\n"));
    assert_non_null(strstr(said, "PD   entry   1 at 0x000002004: 0x0000000000003007  present, "
                                 "writable, user"));
    assert_non_null(strstr(said, "PT   entry   5 at 0x000003014: 0x0000000000005001  present, "
                                 "read-only, supervisor, not accessed, not dirty\n"));
    assert_non_null(strstr(said, "physical address 0x5123, in a page of 4 KiB\n"));
    assert_non_null(strstr(said, "supervisor read   is let through\n"));
    assert_non_null(strstr(said, "supervisor write  page fault, error code 0x3 (protection, "
                                 "write)\n"));
    assert_non_null(strstr(said, "user read         page fault, error code 0x5 (protection, read, "
                                 "user)\n"));
    g_free(said);
    assert_int_equal(ram[0x3014], 1); /* looking has set no bit */
    said = line("walk 0x406000");
    assert_non_null(strstr(said, "PT   entry   6 at 0x000003018: 0x0000000000000000  not present"));
    assert_non_null(strstr(said,
                           "user write        page fault, error code 0x6 (not present, write, "
                           "user)\n"));
    g_free(said);
    said = line("walk 0x1234");
    assert_non_null(strstr(said, "large page"));
    assert_non_null(strstr(said, "in a page of 4096 KiB"));
    assert_non_null(strstr(said, "user write        is let through\n"));
    g_free(said);
    expect_exactly("info mem", "0000000000000000-0000000000400000 0000000000400000 urwx\n"
                               "0000000000405000-0000000000406000 0000000000001000 -r-x\n"
                               "00000000ffc00000-0000000100000000 0000000000400000 urwx\n");
    expect_says("info tlb", "0000000000405000: 000000005000 ------- 4K\n");
    expect_says("info tlb", "00000000ffc00000: 0000ffc00000 --P");
    expect_says("info mmu", "CPU #0: 32-bit paging, CR3 0x2000 WP\n");
}

/* ---- other formats of tables, as if the guest had made them ---- */

static struct x86_state paging; /* what the processor is to be given */

static void give_state(void *opaque)
{
    (void)opaque;
    assert_true(cpu_set_state(machine_cpu(machine, 0), &paging));
}

static void set_paging(uint64_t cr0, uint64_t cr3, uint64_t cr4, uint64_t efer)
{
    uint64_t pdpte = paging.pdpte[1];

    cpu_get_state(machine_cpu(machine, 0), &paging);
    paging.pdpte[1] = pdpte;
    paging.cr0 = cr0;
    paging.cr3 = cr3;
    paging.cr4 = cr4;
    paging.efer = efer;
    assert_true(machine_while_stopped(machine, give_state, NULL));
}

static void put_entry(uint64_t at, uint64_t entry)
{
    memcpy(machine_board(machine)->mem.ram.low + at, &entry, 8);
}

#define PAGED (CR0_PE | CR0_PG | CR0_ET | CR0_WP)

static void expect_parts(const char *command, const char *const *parts)
{
    char *said = line(command);

    for (; *parts; parts++) {
        if (!strstr(said, *parts))
            fail_msg("%s: \"%s\", without \"%s\"", command, said, *parts);
    }
    g_free(said);
}
#define EXPECT_PARTS(command, ...) expect_parts(command, (const char *const[]){__VA_ARGS__, NULL})

static void test_walk_pae(void **state)
{
    char *said;

    (void)state;
    BEGIN(MONITOR_HUMAN, FOREVER);
    expect_exactly("stop", "");
    put_entry(0x2008, 0x3001); /* PDPT 1 */
    put_entry(0x3008, 0x4063); /* PD 1 */
    put_entry(0x3010, 0x2000e7);
    put_entry(0x4028, UINT64_C(0x8000000000005025)); /* PT 5 */
    paging.pdpte[1] = 0x3001;
    set_paging(PAGED, 0x2000, CR4_PAE, EFER_NXE);
    EXPECT_PARTS("walk 0x40205123", "PAE paging, CR3 = 0x2000\n",
                 "PDPT entry 1 as loaded with CR3: 0x0000000000003001\n",
                 "PD   entry   1 at 0x000003008: 0x0000000000004063  present, writable, super",
                 "PT   entry   5 at 0x000004028: 0x8000000000005025  present, read-only, user, "
                 "no execute, accessed, not dirty",
                 "physical address 0x5123, in a page of 4 KiB",
                 "supervisor fetch  page fault, error code 0x11");
    EXPECT_PARTS("walk 0x40412345", "large page", "0x212345, in a page of 2048 KiB");
    said = line("walk 0x80000000"); /* no entry but the one in the processor */
    assert_non_null(strstr(said, "PDPT entry 2 as loaded with CR3: 0x0000000000000000\nsuper"));
    g_free(said);
    expect_says("info mem", "0000000040205000-0000000040206000 0000000000001000 -r--\n");
}

static void test_walk_long(void **state)
{
    (void)state;
    BEGIN(MONITOR_HUMAN, FOREVER);
    expect_exactly("stop", "");
    for (unsigned five = 0; five < 2; five++) {
        put_entry(0x2ff8, 0x3007); /* PML4 or PML5 511 */
        put_entry(0x3ff8, 0x4007);
        put_entry(0x4000, five ? 0x5007 : 0x0e3); /* 1 GiB, or on */
        put_entry(0x5000, 0x2001e3);              /* 2 MiB */
        set_paging(PAGED, 0x2000, CR4_PAE | (five ? CR4_LA57 : 0), EFER_LME | EFER_LMA);
        if (five)
            EXPECT_PARTS("walk 0xffffff8000012345", "5-level paging, CR3 = 0x2000",
                         "PML5 entry 511 at 0x000002ff8", "PML4 entry 511 at 0x000003ff8",
                         "PDPT entry   0 at 0x000004000", "PD   entry   0 at 0x000005000",
                         "physical address 0x212345, in a page of 2048 KiB");
        else
            EXPECT_PARTS("walk 0xffffffffc0012345", "4-level paging", "PML4 entry 511",
                         "PDPT entry 511 at 0x000003ff8", "PD   entry   0 at 0x000004000",
                         "physical address 0x12345, in a page of 2048 KiB");
        EXPECT_PARTS("walk 0", "entry   0 at 0x000002000: 0x0000000000000000  not present\nsuper");
        EXPECT_PARTS(five ? "walk 0x0100000000000000" : "walk 0x800000000000", "not canonical");
        expect_says("info mem", five ? "ffffff8000000000-ffffff8000200000 0000000000200000 -rwx\n"
                                     : "ffffffffc0000000-ffffffffc0200000 0000000000200000 -rwx\n");
    }
}

/* Four levels of tables in which each entry leads on, and none to a page. */
static void test_walk_hostile(void **state)
{
    (void)state;
    BEGIN(MONITOR_HUMAN, FOREVER);
    expect_exactly("stop", "");
    for (unsigned k = 0; k < 4; k++) {
        for (unsigned n = 0; n < 512; n++)
            put_entry(0x2000 + k * 0x1000 + n * 8, 0x3007 + k * 0x1000);
    }
    set_paging(PAGED, 0x2000, CR4_PAE | CR4_LA57, EFER_LME | EFER_LMA);
    expect_exactly("info mem", "(cut off here: too many)\n");
    expect_exactly("info tlb", "(cut off here: too many)\n");
    for (unsigned n = 0; n < 512; n++) /* a table that maps itself at each level */
        put_entry(0x2000 + n * 8, 0x2007);
    expect_says("info tlb", "(cut off here");
    expect_says("info mem", "urwx\n");
}

/* What nobody reads does not keep the machine. */
static void test_pipes(void **state)
{
    char *pipe = g_build_filename(dir, "pipe", NULL), *text;

    (void)state;
    BEGIN(MONITOR_HUMAN, FOREVER);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    text = g_strdup_printf("pmemsave 0 0x100 %s", pipe);
    expect_says(text, "Error: cannot write ");
    g_free(text);
    text = g_strdup_printf("memsave 0 100 \"%s\"", pipe);
    expect_says(text, "Error: cannot write ");
    g_free(text);
    g_unlink(pipe);
    g_free(pipe);
}

/* ---- a client on a socket ---- */

static void test_socket(void **state)
{
    char *text;
    int fd;

    (void)state;
    BEGIN(MONITOR_HUMAN, COUNTS);
    fd = client_new();
    g_free(read_until(fd, "(penumbra) "));
    say(fd, "info ver", 8);
    say(fd, "sion\r\ninfo name\n", 16);
    text = read_until(fd, "(penumbra) ");
    assert_string_equal(text, "Penumbra 1.2.3\n");
    g_free(text);
    text = read_until(fd, "(penumbra) ");
    assert_string_equal(text, "guest\n");
    g_free(text);
    for (unsigned k = 0; k < 3000; k++)
        say(fd, "0123456789", 10);
    say(fd, "\ncpu 0\n", 7);
    text = read_until(fd, "(penumbra) ");
    assert_string_equal(text, "Error: the line is too long\n");
    g_free(text);
    g_free(read_until(fd, "(penumbra) "));
    close(fd);
    fd = client_new();
    g_free(read_until(fd, "lists the commands\n(penumbra) "));
    close(fd);
}

static void test_from_qmp(void **state)
{
    json_t *r;
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    r = execute(fd, "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": "
                    "\"info name\"}}");
    assert_string_equal(json_string_value(r), "guest\n");
    json_decref(r);
    r = execute(fd, "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": "
                    "\"info lapic\", \"cpu-index\": 3}}");
    assert_true(g_str_has_prefix(json_string_value(r), "local APIC 3,"));
    json_decref(r);
    refused(fd,
            "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"stop\", "
            "\"cpu-index\": 4}}",
            "GenericError", "'cpu-index'");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_expression_ends),
        cmocka_unit_test(test_deep_expressions),
        cmocka_unit_test(test_line_editor),
        cmocka_unit_test(test_completion),
        cmocka_unit_test(test_line_editor_garbage),
        MONITOR_TEST(test_every_command_has_help),
        MONITOR_TEST(test_vm),
        MONITOR_TEST_SMP(test_processors),
        MONITOR_TEST(test_memory),
        MONITOR_TEST(test_walk),
        MONITOR_TEST(test_walk_pae),
        MONITOR_TEST(test_walk_long),
        MONITOR_TEST(test_walk_hostile),
        MONITOR_TEST(test_pipes),
        MONITOR_TEST(test_socket),
        MONITOR_TEST_SMP(test_from_qmp),
    };

    return unit_main(tests);
}
