/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each QMP command does to a machine. */
#include "tests/unit/monitor_rig.h"

#include "backends/block.h"

/* [0x500]++ for ever. */
#define COUNTS 0xf0, 0xff, 0x06, 0x00, 0x05, 0xeb, 0xf9

static const char *status(int fd)
{
    static char text[32];
    json_t *r = execute(fd, "{\"execute\": \"query-status\"}");

    g_strlcpy(text, args_string(r, "status", ""), sizeof(text));
    assert_int_equal(json_is_true(json_object_get(r, "running")), !strcmp(text, "running"));
    json_decref(r);
    return text;
}

static void expect_cause(int fd, const char *event, bool guest, const char *reason)
{
    json_t *j = expect_event(fd, event), *data = json_object_get(j, "data");
    json_t *stamp = json_object_get(j, "timestamp");

    assert_int_equal(json_is_true(json_object_get(data, "guest")), guest);
    assert_string_equal(args_string(data, "reason", ""), reason);
    assert_true(ABS(args_int(stamp, "seconds", 0) - g_get_real_time() / 1000000) < 2 * LIMIT_S);
    assert_in_range(args_int(stamp, "microseconds", -1), 0, 999999);
    json_decref(j);
}

static void test_stop_cont(void **state)
{
    uint64_t n;
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    assert_string_equal(status(fd), "running");
    execute_ok(fd, "{\"execute\": \"stop\"}");
    assert_true(machine_paused(machine));
    n = machine_instructions(machine);
    assert_string_equal(status(fd), "paused");
    json_decref(expect_event(fd, "STOP"));
    g_usleep(1000);
    assert_int_equal(machine_instructions(machine), n);
    execute_ok(fd, "{\"execute\": \"cont\"}");
    assert_false(machine_paused(machine));
    json_decref(expect_event(fd, "RESUME"));
    assert_string_equal(status(fd), "running");
    close(fd);
}

static void test_prelaunch(void **state)
{
    int fd;

    (void)state;
    cfg.start_paused = true;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    assert_string_equal(status(fd), "prelaunch");
    execute_ok(fd, "{\"execute\": \"cont\"}");
    assert_string_equal(status(fd), "running");
    forget_events();
    close(fd);
}

static void test_reset_and_quit(void **state)
{
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    execute_ok(fd, "{\"execute\": \"system_reset\"}");
    expect_cause(fd, "RESET", false, "host-qmp-system-reset");
    execute_ok(fd, "{\"execute\": \"quit\"}");
    wait_over();
    assert_int_equal(machine_exit_status(machine), MACHINE_EXIT_OFF);
    expect_cause(fd, "SHUTDOWN", false, "host-qmp-quit");
    close(fd);
}

/* The guest resets itself through port 0xcf9, later ends. */
static void test_guest_ends(void **state)
{
    int fd;

    (void)state;
    cfg.start_paused = true;
    BEGIN(MONITOR_QMP, COUNT_TO_3 OUT_DX(0xcf9, 6), FOREVER);
    fd = qmp_client();
    execute_ok(fd, "{\"execute\": \"cont\"}");
    wait_over();
    json_decref(expect_event(fd, "RESUME"));
    expect_cause(fd, "RESET", true, "guest-reset");
    expect_cause(fd, "RESET", true, "guest-reset");
    expect_cause(fd, "SHUTDOWN", true, "guest-shutdown");
    close(fd);
}

static void test_guest_resets_for_good(void **state)
{
    int fd;

    (void)state;
    cfg.start_paused = cfg.no_reboot = true;
    BEGIN(MONITOR_QMP, OUT_DX(0xcf9, 6), FOREVER);
    fd = qmp_client();
    execute_ok(fd, "{\"execute\": \"cont\"}");
    wait_over();
    json_decref(expect_event(fd, "RESUME"));
    expect_cause(fd, "SHUTDOWN", true, "guest-reset");
    close(fd);
}

/* The guest waits for the power button's status bit. */
static void test_powerdown(void **state)
{
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, PM_INIT, 0xba, 0x00, 0x06, 0xed, 0xf6, 0xc4, 0x01, 0x74, 0xf7, EXIT(3));
    fd = qmp_client();
    execute_ok(fd, "{\"execute\": \"system_powerdown\"}");
    json_decref(expect_event(fd, "POWERDOWN"));
    /* the button may come before the guest has set its registers up */
    while (machine_exit_status(machine) < 0) {
        execute_ok(fd, "{\"execute\": \"system_powerdown\"}");
        forget_events();
    }
    assert_int_equal(machine_exit_status(machine), 7);
    close(fd);
}

/* Vector 2 of the real-mode table leads to an exit. */
static void test_nmi(void **state)
{
    const uint8_t *ram;
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, 0xc7, 0x06, 0x08, 0x00, 0x13, 0x00, /* mov word [8], 0x13 */
          0x8c, 0x0e, 0x0a, 0x00,                          /* mov [10], cs */
          0xc6, 0x06, 0x00, 0x05, 0x01,                    /* mov byte [0x500], 1 */
          0xf4, 0xeb, 0xfd, 0x90, /* hlt for ever */ EXIT(9));
    fd = qmp_client();
    ram = machine_board(machine)->mem.ram.low;
    while (!__atomic_load_n(ram + 0x500, __ATOMIC_RELAXED))
        turn();
    execute_ok(fd, "{\"execute\": \"inject-nmi\"}");
    wait_over();
    assert_int_equal(machine_exit_status(machine), 19);
    forget_events();
    close(fd);
}

static void test_queries(void **state)
{
    json_t *r, *one;
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    r = execute(fd, "{\"execute\": \"query-version\"}");
    assert_int_equal(args_int(json_object_get(r, "qemu"), "major", 0), 4);
    assert_int_equal(args_int(json_object_get(r, "qemu"), "minor", 0), 5);
    assert_int_equal(args_int(json_object_get(r, "qemu"), "micro", 0), 6);
    assert_string_equal(args_string(r, "package", ""), "Penumbra 1.2.3");
    json_decref(r);
    r = execute(fd, "{\"execute\": \"query-name\"}");
    assert_string_equal(args_string(r, "name", ""), "guest");
    json_decref(r);
    r = execute(fd, "{\"execute\": \"query-kvm\"}");
    assert_true(json_is_false(json_object_get(r, "enabled")));
    json_decref(r);
    r = execute(fd, "{\"execute\": \"query-memory-size-summary\"}");
    assert_int_equal(args_int(r, "base-memory", 0), 4 << 20);
    json_decref(r);
    r = execute(fd, "{\"execute\": \"query-chardev\"}");
    assert_int_equal(json_array_size(r), 1);
    assert_string_equal(args_string(json_array_get(r, 0), "label", ""), "serial0");
    json_decref(r);
    r = execute(fd, "{\"execute\": \"query-pci\"}");
    one = json_array_get(json_object_get(json_array_get(r, 0), "devices"), 0);
    assert_int_equal(args_int(json_object_get(one, "id"), "vendor", 0), 0x8086);
    assert_int_equal(args_int(json_object_get(one, "id"), "device", 0), 0x1237);
    json_decref(r);
    r = execute(fd, "{\"execute\": \"query-commands\"}");
    assert_true(json_array_size(r) >= 20);
    json_decref(r);
    close(fd);
}

static void test_cpus(void **state)
{
    json_t *r;
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    r = execute(fd, "{\"execute\": \"query-cpus-fast\"}");
    assert_int_equal(json_array_size(r), 4);
    for (unsigned n = 0; n < 4; n++) {
        char *task;

        assert_int_equal(args_int(json_array_get(r, n), "cpu-index", -1), n);
        task = g_strdup_printf("/proc/self/task/%d",
                               (int)args_int(json_array_get(r, n), "thread-id", 0));
        assert_true(g_file_test(task, G_FILE_TEST_IS_DIR));
        g_free(task);
    }
    json_decref(r);
    close(fd);
}

/* ---- memory ---- */

static char *save_command(const char *command, uint64_t val, int64_t size, const char *more)
{
    return g_strdup_printf("{\"execute\": \"%s\", \"arguments\": {\"val\": %" G_GUINT64_FORMAT
                           ", \"size\": %" G_GINT64_FORMAT ", \"filename\": \"%s/out\"%s}}",
                           command, val, size, dir, more);
}

static void expect_saved(int fd, const char *command, uint64_t val, const void *want, size_t len)
{
    char *text = save_command(command, val, (int64_t)len, "");
    char *file = g_build_filename(dir, "out", NULL), *data;
    gsize size;

    execute_ok(fd, text);
    assert_true(g_file_get_contents(file, &data, &size, NULL));
    assert_int_equal(size, len);
    assert_memory_equal(data, want, len);
    g_unlink(file);
    g_free(file);
    g_free(data);
    g_free(text);
}

static void expect_not_saved(int fd, const char *command, uint64_t val, int64_t size,
                             const char *more, const char *why)
{
    char *text = save_command(command, val, size, more), *file = g_build_filename(dir, "out", NULL);

    refused(fd, text, "GenericError", why);
    g_unlink(file);
    g_free(file);
    g_free(text);
}

static void test_memory(void **state)
{
    uint8_t ones[8192], text[4096];
    int fd;

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    BEGIN(MONITOR_QMP, FOREVER);
    fd = qmp_client();
    for (unsigned k = 0; k < sizeof(text); k++)
        text[k] = (uint8_t)(k * 7);
    memcpy(machine_board(machine)->mem.ram.low + 0x12345, text, sizeof(text));
    expect_saved(fd, "pmemsave", 0x12345, text, sizeof(text));
    expect_saved(fd, "memsave", 0x12345, text, sizeof(text)); /* paging is off */
    expect_saved(fd, "pmemsave", 0xfffffff0, "\xe9\x0d", 2);
    expect_saved(fd, "pmemsave", 0xe0000000, ones, sizeof(ones));
    expect_saved(fd, "pmemsave", 0x1000, "", 0);
    expect_not_saved(fd, "pmemsave", 0xffffffff, 2, "", "no memory above 0x100000000");
    expect_not_saved(fd, "pmemsave", 0, INT64_MAX, "", "no memory above");
    expect_not_saved(fd, "pmemsave", 0, -1, "", "'size'");
    expect_not_saved(fd, "memsave", 0xe0000000, 16, "", "no memory is mapped");
    expect_not_saved(fd, "memsave", 0, 16, ", \"cpu-index\": 1", "'cpu-index'");
    refused(fd,
            "{\"execute\": \"pmemsave\", \"arguments\": {\"val\": 0, \"size\": 1, \"filename\": "
            "\"/nonexistent/x\"}}",
            "GenericError", "/nonexistent/x");
    refused(fd,
            "{\"execute\": \"pmemsave\", \"arguments\": {\"val\": 0, \"size\": 1, \"filename\": "
            "\"/dev/full\"}}",
            "GenericError", "/dev/full");
    close(fd);
}

/* ---- keys and mouse ---- */

/* The guest enables the keyboard and writes what comes from port 0x60 to 0x600 on. */
#define RECORDS                                                                                    \
    0xb0, 0xae, 0xe6, 0x64,                      /* enable the keyboard */                         \
        0xb0, 0x60, 0xe6, 0x64,                  /* the command byte: */                           \
        0xb0, 0x40, 0xe6, 0x60,                  /* translation */                                 \
        0xb0, 0xf4, 0xe6, 0x60,                  /* scan */                                        \
        0xbf, 0x00, 0x06,                        /* mov di, 0x600 */                               \
        0xe4, 0x64, 0xa8, 0x01, 0x74, 0xfa,      /* until there is something: */                   \
        0xe4, 0x60, 0x88, 0x05, 0x47, 0xeb, 0xf3 /* in; mov [di], al; inc di */

static bool recorded(const uint8_t *codes, size_t len)
{
    const uint8_t *at = machine_board(machine)->mem.ram.low + 0x600;

    for (unsigned k = 0; k + len <= 256; k++) {
        if (!memcmp(at + k, codes, len))
            return true;
    }
    return false;
}

static void wait_recorded(const uint8_t *codes, size_t len)
{
    int64_t limit = g_get_monotonic_time() + LIMIT_S * G_USEC_PER_SEC;

    while (!recorded(codes, len)) {
        turn();
        assert_true(g_get_monotonic_time() < limit);
    }
}
#define WAIT_RECORDED(...)                                                                         \
    wait_recorded((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void test_keys(void **state)
{
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, RECORDS);
    fd = qmp_client();
    WAIT_RECORDED(0xfa); /* the keyboard scans */
    execute_ok(fd, "{\"execute\": \"send-key\", \"arguments\": {\"keys\": ["
                   "{\"type\": \"qcode\", \"data\": \"ctrl\"}, "
                   "{\"type\": \"qcode\", \"data\": \"a\"}], \"hold-time\": 20}}");
    execute_ok(fd, "{\"execute\": \"send-key\", \"arguments\": {\"keys\": ["
                   "{\"type\": \"number\", \"data\": 48}], \"hold-time\": 1}}");
    WAIT_RECORDED(0x1d, 0x1e, 0x9e, 0x9d, 0x30, 0xb0);
    execute_ok(fd, "{\"execute\": \"input-send-event\", \"arguments\": {\"events\": ["
                   "{\"type\": \"key\", \"data\": {\"down\": true, "
                   "\"key\": {\"type\": \"qcode\", \"data\": \"right\"}}},"
                   "{\"type\": \"key\", \"data\": {\"down\": false, "
                   "\"key\": {\"type\": \"number\", \"data\": 205}}}]}}");
    WAIT_RECORDED(0xe0, 0x4d, 0xe0, 0xcd);
    refused(fd,
            "{\"execute\": \"send-key\", \"arguments\": {\"keys\": [{\"type\": \"qcode\", "
            "\"data\": \"any\"}]}}",
            "GenericError", "no key 'any'");
    refused(fd, "{\"execute\": \"send-key\", \"arguments\": {\"keys\": [1]}}", "GenericError",
            "'key'");
    refused(fd, "{\"execute\": \"send-key\", \"arguments\": {\"keys\": [], \"hold-time\": -1}}",
            "GenericError", "'hold-time'");
    close(fd);
}

/* Nothing takes effect unless all events are good ones. */
static void test_input_events(void **state)
{
    static const char *const wrong[][2] = {
        {"{\"type\": \"abs\", \"data\": {\"axis\": \"x\", \"value\": 32768}}", "'value'"},
        {"{\"type\": \"abs\", \"data\": {\"axis\": \"z\", \"value\": 1}}", "'z'"},
        {"{\"type\": \"mtt\", \"data\": {\"axis\": \"x\", \"value\": 1}}", "'mtt'"},
        {"{\"type\": \"btn\", \"data\": {\"down\": true, \"button\": \"top\"}}", "'top'"},
        {"{\"type\": \"rel\", \"data\": {\"axis\": \"z\", \"value\": 1}}", "'z'"},
        {"{\"type\": \"rel\", \"data\": {\"axis\": \"x\", \"value\": 1000000000}}", "'value'"},
        {"{\"type\": \"rel\", \"data\": {\"axis\": \"x\"}}", "'value' is missing"},
        {"{\"type\": \"key\"}", "'data' is missing"},
        {"7", "objects"},
    };
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, RECORDS);
    fd = qmp_client();
    WAIT_RECORDED(0xfa);
    for (unsigned k = 0; k < G_N_ELEMENTS(wrong); k++) {
        char *text = g_strdup_printf(
            "{\"execute\": \"input-send-event\", \"arguments\": {\"events\": [{\"type\": \"key\", "
            "\"data\": {\"down\": true, \"key\": {\"type\": \"qcode\", \"data\": \"a\"}}}, %s]}}",
            wrong[k][0]);

        refused(fd, text, "GenericError", wrong[k][1]);
        g_free(text);
    }
    execute_ok(fd, "{\"execute\": \"send-key\", \"arguments\": {\"keys\": [{\"type\": \"qcode\", "
                   "\"data\": \"b\"}], \"hold-time\": 1}}");
    WAIT_RECORDED(0x30, 0xb0);
    assert_false(recorded((const uint8_t[]){0x1e}, 1));
    execute_ok(fd, "{\"execute\": \"input-send-event\", \"arguments\": {\"events\": ["
                   "{\"type\": \"btn\", \"data\": {\"down\": true, \"button\": \"left\"}}, "
                   "{\"type\": \"rel\", \"data\": {\"axis\": \"x\", \"value\": -3}}, "
                   "{\"type\": \"btn\", \"data\": {\"down\": true, \"button\": \"wheel-up\"}}]}}");
    assert_int_equal(input_router_held(monitor->board->input), 1);
    close(fd);
}

/* Too many keys that wait are refused, and the machine goes on. */
static void test_many_keys(void **state)
{
    bool full = false;
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    for (unsigned k = 0; k < 1000 && !full; k++) {
        json_t *j;

        say_line(fd, "{\"execute\": \"send-key\", \"arguments\": {\"keys\": [{\"type\": "
                     "\"qcode\", \"data\": \"b\"}], \"hold-time\": 3600000}}");
        j = read_reply(fd);
        full = json_object_get(j, "error") != NULL;
        json_decref(j);
    }
    assert_true(full);
    assert_string_equal(status(fd), "running");
    close(fd);
}

/* ---- media and screen ---- */

static char *iso(const char *name, const char *text)
{
    char *path = g_build_filename(dir, name, NULL), *image = g_malloc0(2048 * 40);

    memcpy(image + 2048 * 16,
           "\x01"
           "CD001\x01",
           7);
    image[2048 * 16 + 80] = 40;
    image[2048 * 16 + 129] = 8;
    strcpy(image, text);
    assert_true(g_file_set_contents(path, image, 2048 * 40, NULL));
    g_free(image);
    return path;
}

static char *medium(int fd, bool *open)
{
    json_t *r = execute(fd, "{\"execute\": \"query-block\"}"), *d = json_array_get(r, 0);
    char *file = g_strdup(args_string(json_object_get(d, "inserted"), "file", "none"));

    assert_int_equal(json_array_size(r), 1);
    assert_string_equal(args_string(d, "device", ""), "ide1-cd0");
    assert_true(json_is_true(json_object_get(d, "removable")));
    *open = json_is_true(json_object_get(d, "tray_open"));
    json_decref(r);
    return file;
}

/* An empty drive was ejected, and is open since. */
static void expect_medium(int fd, const char *want)
{
    bool open;
    char *file = medium(fd, &open);

    assert_string_equal(file, want);
    assert_int_equal(open, !strcmp(want, "none"));
    g_free(file);
}

static void expect_tray(int fd, bool open)
{
    json_t *j = expect_event(fd, "DEVICE_TRAY_MOVED"), *data = json_object_get(j, "data");

    assert_string_equal(args_string(data, "device", ""), "ide1-cd0");
    assert_int_equal(json_is_true(json_object_get(data, "tray-open")), open);
    json_decref(j);
}

static void change(int fd, const char *file, const char *wrong)
{
    char *text = g_strdup_printf("{\"execute\": \"blockdev-change-medium\", \"arguments\": "
                                 "{\"device\": \"ide1-cd0\", \"filename\": \"%s\"}}",
                                 file);

    if (wrong)
        refused(fd, text, "GenericError", wrong);
    else
        execute_ok(fd, text);
    g_free(text);
}

static void test_media(void **state)
{
    char *one, *two, byte[4];
    int fd;

    (void)state;
    one = iso("one.iso", "one");
    two = iso("two.iso", "two");
    cfg.drive[2] = (struct machine_drive){.file = one, .present = true, .cd = true};
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    expect_medium(fd, one);
    change(fd, two, NULL);
    expect_tray(fd, true);
    expect_tray(fd, false);
    expect_medium(fd, two);
    assert_int_equal(block_read(machine_board(machine)->drive[2].block, 0, byte, 4), 0);
    assert_string_equal(byte, "two");
    execute_ok(fd, "{\"execute\": \"eject\", \"arguments\": {\"device\": \"ide1-cd0\"}}");
    expect_tray(fd, true); /* and it stays so */
    expect_medium(fd, "none");
    change(fd, "/nonexistent", "/nonexistent");
    change(fd, rom, "not a CD image");
    expect_medium(fd, "none");
    change(fd, one, NULL);
    expect_tray(fd, false); /* it was open already */
    expect_medium(fd, one);
    refused(fd, "{\"execute\": \"eject\", \"arguments\": {\"device\": \"sda\"}}", "DeviceNotFound",
            "'sda'");
    refused(fd, "{\"execute\": \"eject\"}", "GenericError", "'device' is missing");
    forget_events();
    close(fd);
    g_unlink(one);
    g_unlink(two);
    g_free(one);
    g_free(two);
}

/* ATAPI command START STOP UNIT, as the guest's driver would send it to the second channel. */
static void guest_moves_tray(uint8_t how)
{
    const uint8_t cdb[12] = {0x1b, 0, 0, 0, how};
    struct bus *ports = machine_board(machine)->ports;

    lock_take(&lock);
    bus_write(ports, 0xcf8, 0x80000904u, 4);
    bus_write(ports, 0xcfc, 5, 2);
    bus_write(ports, 0xcf8, 0x80000940u, 4);
    bus_write(ports, 0xcfc, 0x80008000u, 4);
    bus_write(ports, 0x176, 0xa0, 1);
    bus_write(ports, 0x177, 0xa0, 1);
    for (unsigned k = 0; k < sizeof(cdb); k += 2)
        bus_write(ports, 0x170, cdb[k] | (unsigned)cdb[k + 1] << 8, 2);
    lock_drop(&lock);
}

static void test_guest_tray(void **state)
{
    bool open;
    char *one;
    int fd;

    (void)state;
    one = iso("one.iso", "one");
    cfg.drive[2] = (struct machine_drive){.file = one, .present = true, .cd = true};
    BEGIN(MONITOR_QMP, FOREVER);
    fd = qmp_client();
    guest_moves_tray(2); /* sense data: the reset */
    guest_moves_tray(2);
    expect_tray(fd, true);
    g_free(medium(fd, &open));
    assert_true(open);
    guest_moves_tray(2); /* it is open */
    guest_moves_tray(3);
    expect_tray(fd, false);
    change(fd, one, NULL);
    expect_tray(fd, true);
    expect_tray(fd, false);
    assert_int_equal(n_events, 0);
    close(fd);
    g_unlink(one);
    g_free(one);
}

/* ---- sleep ---- */

/* Firmware that sleeps in its first life, and ends in its second. */
#define SLEEPS                                                                                     \
    0xfe, 0x06, 0x00, 0x05, 0x80, 0x3e, 0x00, 0x05, 0x02, 0x74, 0x36, PM_INIT, 0xba, 0x04, 0x06,   \
        0xb8, 0x00, 0x24, 0xef, FOREVER, EXIT(3)

static void test_sleep(void **state)
{
    int fd;

    (void)state;
    cfg.start_paused = true;
    BEGIN(MONITOR_QMP, SLEEPS);
    fd = qmp_client();
    refused(fd, "{\"execute\": \"system_wakeup\"}", "GenericError", "not in suspended state");
    execute_ok(fd, "{\"execute\": \"cont\"}");
    json_decref(expect_event(fd, "RESUME"));
    json_decref(expect_event(fd, "SUSPEND"));
    assert_string_equal(status(fd), "suspended");
    execute_ok(fd, "{\"execute\": \"stop\"}");
    assert_string_equal(status(fd), "paused");
    execute_ok(fd, "{\"execute\": \"cont\"}");
    forget_events();
    execute_ok(fd, "{\"execute\": \"system_wakeup\"}");
    wait_over();
    assert_int_equal(machine_exit_status(machine), 7);
    while (n_events && strcmp(args_string(events[0], "event", ""), "WAKEUP")) {
        json_decref(events[0]);
        memmove(&events[0], &events[1], --n_events * sizeof(events[0]));
    }
    json_decref(expect_event(fd, "WAKEUP"));
    expect_cause(fd, "SHUTDOWN", true, "guest-shutdown");
    close(fd);
}

static void test_screen(void **state)
{
    int fd;

    (void)state;
    BEGIN(MONITOR_QMP, COUNTS);
    fd = qmp_client();
    refused(fd, "{\"execute\": \"screendump\", \"arguments\": {\"filename\": \"x\"}}",
            "GenericError", "no screen");
    refused(fd,
            "{\"execute\": \"screendump\", \"arguments\": {\"filename\": \"x\", \"format\": "
            "\"gif\"}}",
            "GenericError", "'gif'");
    refused(fd, "{\"execute\": \"screendump\", \"arguments\": {\"filename\": \"x\", \"head\": 1}}",
            "GenericError", "'head'");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MONITOR_TEST(test_stop_cont),    MONITOR_TEST_SMP(test_stop_cont),
        MONITOR_TEST(test_prelaunch),    MONITOR_TEST(test_reset_and_quit),
        MONITOR_TEST(test_guest_ends),   MONITOR_TEST(test_guest_resets_for_good),
        MONITOR_TEST(test_powerdown),    MONITOR_TEST(test_nmi),
        MONITOR_TEST(test_queries),      MONITOR_TEST_SMP(test_cpus),
        MONITOR_TEST(test_memory),       MONITOR_TEST(test_keys),
        MONITOR_TEST(test_input_events), MONITOR_TEST(test_many_keys),
        MONITOR_TEST(test_media),        MONITOR_TEST(test_screen),
        MONITOR_TEST(test_guest_tray),   MONITOR_TEST(test_sleep),
    };

    return unit_main(tests);
}
