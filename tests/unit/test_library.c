/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The library of machines without its window: their files (frontends/library/ini.h,
 * machine_file.h), the options that they become, what is in the directory, who runs, disk images.
 */
#include "tests/unit/unit.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frontends/cli/options.h"
#include "frontends/library/disk_image.h"
#include "frontends/library/library.h"

static char *dir;
static GError *err;
static struct machine_file *file;

static int setup(void **state)
{
    (void)state;
    dir = g_dir_make_tmp("penumbra-library-XXXXXX", NULL);
    return dir ? 0 : -1;
}

static int teardown(void **state)
{
    GDir *d = g_dir_open(dir, 0, NULL);
    const char *name;

    (void)state;
    while ((name = g_dir_read_name(d))) {
        g_autofree char *path = g_build_filename(dir, name, NULL);

        g_unlink(path);
    }
    g_dir_close(d);
    g_rmdir(dir);
    g_free(dir);
    g_clear_error(&err);
    g_clear_pointer(&file, machine_file_free);
    return 0;
}

static char *in_dir(const char *name)
{
    return g_build_filename(dir, name, NULL);
}

static void put(const char *name, const char *text)
{
    g_autofree char *path = in_dir(name);

    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void parse(const char *text)
{
    g_clear_error(&err);
    g_clear_pointer(&file, machine_file_free);
    file = machine_file_parse("m/a.ini", text, strlen(text), &err);
    if (!file && !err)
        fail_msg("no error");
}

#define refuses(text, want)                                                                        \
    do {                                                                                           \
        parse(text);                                                                               \
        assert_null(file);                                                                         \
        assert_string_equal(err->message, want);                                                   \
    } while (0)

/* ---- a machine's file ---- */

static void test_values(void **state)
{
    (void)state;
    parse("# mine\n\n[machine]\nmemory=1G\n  cpus =  4  \n[cd]\nfile = \" a b \"\n");
    assert_non_null(file);
    assert_string_equal(file->name, "a");
    assert_string_equal(machine_file_get(file, "machine", "memory"), "1G");
    assert_string_equal(machine_file_get(file, "machine", "cpus"), "4");
    assert_string_equal(machine_file_get(file, "cd", "file"), " a b ");
    assert_string_equal(machine_file_get(file, "machine", "cpu"), "max");
    parse("");
    assert_non_null(file);
}

static void test_refused(void **state)
{
    (void)state;
    refuses("[machine]\nmemory = lots\n",
            "m/a.ini:2: memory: 'lots' is not a memory size (a number, then M or G)");
    refuses("[machine]\nmemory = 513G\n", "m/a.ini:2: memory: '513G' is out of range (1M to 512G)");
    refuses("[machine]\nmemory = 1025K\n",
            "m/a.ini:2: memory: '1025K' is not a whole number of MiB");
    refuses("\n[machine]\n\nmemroy = 1G\n",
            "m/a.ini:4: unknown key in [machine] 'memroy'; did you mean 'memory'?");
    refuses("[machin]\n", "m/a.ini:1: unknown section 'machin'; did you mean 'machine'?");
    refuses("[machine]\ncpus = 33\n",
            "m/a.ini:2: cpus: '33' is not a number of processors (1 to 32)");
    refuses("[machine]\ncpus = 0\n",
            "m/a.ini:2: cpus: '0' is not a number of processors (1 to 32)");
    refuses("[disk]\nreadonly = yes\n", "m/a.ini:2: readonly: 'yes' is none of: on, off");
    refuses("memory = 1G\n", "m/a.ini:1: 'memory' stands before the first section");
    refuses("[machine]\nmemory\n",
            "m/a.ini:2: 'memory' is neither a section, nor key = value, nor a comment");
    refuses("[machine\n", "m/a.ini:1: '[machine' is not a section ([name])");
    refuses("[cd]\n[machine]\n[cd]\n", "m/a.ini:3: section [cd] is there already");
    refuses("[cd]\nfile = a\nfile = b\n", "m/a.ini:3: 'file' is said twice in [cd]");
    refuses("[cd]\nfile = \xff\n", "m/a.ini:2: there is a byte that is no UTF-8 text");
    refuses("[options]\nmore = 'a\n", "m/a.ini:2: more: Text ended before matching quote was found "
                                      "for '. (The text was \xe2\x80\x9c'a\xe2\x80\x9d)");
}

static void test_too_large(void **state)
{
    g_autofree char *text = g_strnfill(INI_MAX_SIZE + 1, '#');

    (void)state;
    parse(text);
    assert_null(file);
    assert_string_equal(err->message, "m/a.ini:1: the file is larger than 64 KiB");
}

static void assert_text(const char *want)
{
    g_autofree char *text = ini_text(file->ini);

    assert_string_equal(text, want);
}

/* What a person wrote stays, but for the values that change. */
static void test_edited(void **state)
{
    (void)state;
    parse("; first\n[machine]\n  memory=1G\n# between\ncpus = 2\n\n[cd]\nfile = x.iso\n");
    machine_file_set(file, "machine", "memory", "1G");
    machine_file_set(file, "machine", "cpus", "3");
    machine_file_set(file, "machine", "cpu", "max"); /* as if it were not said */
    machine_file_set(file, "machine", "boot", "d");
    machine_file_set(file, "cd", "file", " y.iso");
    machine_file_set(file, "sound", "card", "none");
    machine_file_set(file, "keyboard", "layout", "de\nfoo = bar");
    assert_text("; first\n[machine]\n  memory=1G\n# between\ncpus = 3\nboot = d\n\n[cd]\n"
                "file = \" y.iso\"\n\n[keyboard]\nlayout = de\n");
    machine_file_set(file, "keyboard", "layout", "us"); /* it was said, so it is */
    assert_string_equal(machine_file_get(file, "keyboard", "layout"), "us");
}

static char *words_of(void)
{
    GArray *words = machine_file_words(file, &err);
    GString *s = g_string_new(NULL);

    assert_non_null(words);
    for (guint n = 0; n < words->len; n++)
        g_string_append_printf(s, "%s%s", n ? "|" : "",
                               g_array_index(words, struct machine_word, n).word);
    g_array_unref(words);
    return g_string_free(s, FALSE);
}

static void test_words(void **state)
{
    g_autofree char *plain = NULL, *full = NULL;

    (void)state;
    parse("");
    plain = words_of();
    assert_string_equal(plain, "-name|a|-m|256M|-drive|if=ide,media=cdrom|-nic|none");
    parse("[machine]\ncpus=2\ncpu=x86-64-v2\nboot=dc\n"
          "[disk]\nfile=x,y.img\nsnapshot=on\n[disk2]\nfile=/abs/z.qcow2\nformat=qcow2\n"
          "interface=virtio\nreadonly=on\n[cd]\nfile=c.iso\n[network]\nmode=user\nmodel=rtl8139\n"
          "hostfwd=tcp::2222-:22  "
          "udp::53-:53\n[disk3]\nfile=/"
          "s.img\ninterface=ahci\n[sound]\ncard=hda\n[display]\nfullscreen=on\n[keyboard]\n"
          "layout=fr\n[options]\nmore=-rtc base=utc -append 'a b'\n");
    assert_non_null(file);
    full = words_of();
    assert_string_equal(full, "-name|a|-m|256M|-smp|2|-cpu|x86-64-v2|-boot|dc|"
                              "-drive|file=m/x,,y.img,format=raw,if=ide,snapshot=on|"
                              "-drive|file=/abs/z.qcow2,format=qcow2,if=virtio,readonly=on|"
                              "-drive|file=/s.img,format=raw,if=none,id=disk3|-device|ahci,id=ahci|"
                              "-device|ide-hd,drive=disk3,bus=ahci.0|-cdrom|m/c.iso|"
                              "-nic|user,model=rtl8139,hostfwd=tcp::2222-:22,hostfwd=udp::53-:53|-"
                              "audio|driver=sdl,model=hda|"
                              "-full-screen|-k|fr|-rtc|base=utc|-append|a b");
}

/* Every key of the table takes its own value, and each choice. */
static void test_keys(void **state)
{
    unsigned n;
    const struct machine_key *keys = machine_keys(&n);

    (void)state;
    for (unsigned k = 0; k < n; k++) {
        assert_ptr_equal(machine_key(keys[k].section, keys[k].key), &keys[k]);
        assert_true(machine_key_check(keys[k].section, keys[k].key, keys[k].value, NULL));
        for (unsigned c = 0; keys[k].choices && keys[k].choices[c]; c++)
            assert_true(machine_key_check(keys[k].section, keys[k].key, keys[k].choices[c], NULL));
    }
    assert_null(machine_key("machine", "file"));
}

static void test_names(void **state)
{
    static const char *const bad[] = {"", ".a", "-a", "a/b", "a,b", " a", "a ", "a\nb", "\xff"};
    g_autofree char *longest = g_strnfill(MACHINE_FILE_MAX_NAME, 'x');
    g_autofree char *longer = g_strnfill(MACHINE_FILE_MAX_NAME + 1, 'x');

    (void)state;
    for (unsigned k = 0; k < G_N_ELEMENTS(bad); k++) {
        char *why = NULL;

        assert_false(machine_name_check(bad[k], &why));
        assert_non_null(why);
        g_free(why);
    }
    assert_true(machine_name_check("Debian 12", NULL));
    assert_true(machine_name_check("Gr\xc3\xbc\xc3\x9f"
                                   "e",
                                   NULL));
    assert_true(machine_name_check(longest, NULL));
    assert_false(machine_name_check(longer, NULL));
}

static void test_sizes(void **state)
{
    static const char *const bad[] = {
        "",          "G",   "1X", "-1", "1 G", "99999999999999999999", "18446744073709551615",
        "16777216T", "1GBx"};
    uint64_t n;

    (void)state;
    for (unsigned k = 0; k < G_N_ELEMENTS(bad); k++)
        assert_false(machine_size(bad[k], &n));
    assert_true(machine_size("8G", &n) && n == UINT64_C(8) << 30);
    assert_true(machine_size("512", &n) && n == UINT64_C(512) << 20);
    assert_true(machine_size("64kb", &n) && n == 65536);
    assert_true(machine_size("2T", &n) && n == UINT64_C(2) << 40);
}

/* ---- -open ---- */

static bool open_machine(struct options *o, const char *more)
{
    g_autofree char *path = in_dir("a.ini");
    char *argv[] = {(char *)(uintptr_t) "penumbra", (char *)(uintptr_t) "-open", path,
                    (char *)(uintptr_t)more, NULL};

    g_clear_error(&err);
    return options_parse(o, more ? 4 : 3, argv, &err);
}

static void test_open(void **state)
{
    struct options o;

    (void)state;
    put("a.ini", "[machine]\nmemory = 64M\ncpus = 2\n[disk]\nfile = d.img\n[display]\nsmooth = on\n"
                 "fullscreen=on\n[keyboard]\nlayout=gb\n");
    assert_true(open_machine(&o, "-snapshot"));
    assert_int_equal(o.machine.ram_size, 64 << 20);
    assert_int_equal(o.machine.cpus, 2);
    assert_string_equal(o.machine.name, "a");
    assert_true(g_str_has_suffix(o.machine.drive[0].file, "/d.img"));
    assert_true(o.machine.drive[0].snapshot);
    assert_true(o.machine.drive[2].present && o.machine.drive[2].cd && !o.machine.drive[2].file);
    assert_true(o.smooth && o.full_screen);
    assert_string_equal(o.layout, "gb");
    options_free(&o);
}

static void opened_badly(const char *text, const char *end)
{
    g_autofree char *want = g_strdup_printf("%s/a.ini%s", dir, end);
    struct options o;

    put("a.ini", text);
    assert_false(open_machine(&o, NULL));
    assert_string_equal(err->message, want);
    options_free(&o);
}

static void test_open_badly(void **state)
{
    (void)state;
    opened_badly("[machine]\n\ncpu = maxx\n", ":3: unknown CPU model 'maxx'; did you mean 'max'?");
    opened_badly("[options]\nmore = -frobnicate\n",
                 ":2: unknown option '-frobnicate' (-help lists them)");
    opened_badly("[machine]\nmemory = 1Z\n",
                 ":2: memory: '1Z' is not a memory size (a number, then M or G)");
}

/* ---- the directory ---- */

static void test_library(void **state)
{
    struct library *l = library_open(dir, &err);
    struct library_machine *m;
    char *why = NULL;

    (void)state;
    assert_non_null(l);
    assert_int_equal(l->machines->len, 0);
    assert_false(library_refresh(l));
    put("b.ini", "[machine]\nmemory = 64M\n");
    put("a.ini", "[machine]\nbad\n");
    put("other.txt", "");
    assert_true(library_refresh(l));
    assert_false(library_refresh(l));
    assert_int_equal(l->machines->len, 2);
    m = g_ptr_array_index(l->machines, 0);
    assert_string_equal(m->name, "a");
    assert_null(m->file);
    assert_non_null(strstr(m->error, "/a.ini:2: 'bad' is neither"));
    m = library_find(l, "b");
    assert_non_null(m->file);
    assert_int_equal(m->state, MACHINE_OFF);
    assert_false(library_name_free(l, "b", &why));
    assert_string_equal(why, "there is a machine 'b' already");
    g_free(why);
    put("a.ini", "[machine]\nmemory = 1G\n");
    put("b.log", "penumbra: one\npenumbra: two\n");
    put("b.png", "");
    assert_true(library_refresh(l));
    assert_non_null(library_find(l, "a")->file);
    assert_ptr_equal(library_find(l, "b"), m);
    assert_string_equal(m->said, "penumbra: two");
    assert_true(m->pictured > 0);
    assert_true(library_delete(l, m, true, &err));
    assert_null(library_find(l, "b"));
    assert_int_equal(l->machines->len, 1);
    library_free(l);
}

static bool there(const char *name)
{
    g_autofree char *path = in_dir(name);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void test_create_duplicate_delete(void **state)
{
    struct library *l = library_open(dir, &err);
    g_autofree char *path = library_path(dir, "one"), *image = in_dir("one.img");
    g_autofree char *copy = in_dir("two.img");
    char *text;
    struct stat st;
    FILE *f;

    (void)state;
    file = machine_file_new(path);
    machine_file_set(file, "machine", "memory", "1G");
    assert_true(library_create(l, file, 64 << 20, &err));
    assert_int_equal(stat(image, &st), 0);
    assert_int_equal(st.st_size, 64 << 20);
    assert_true(st.st_blocks < 100);
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_string_equal(text, "[machine]\nmemory = 1G\n\n[disk]\nfile = one.img\n");
    g_free(text);
    assert_false(library_create(l, file, 0, &err)); /* once */
    g_clear_error(&err);

    f = fopen(image, "r+b");
    assert_int_equal(fseek(f, 40 << 20, SEEK_SET), 0);
    assert_int_equal(fwrite("guest", 5, 1, f), 1);
    fclose(f);
    assert_true(library_duplicate(dir, library_find(l, "one")->file, "two", NULL, NULL, &err));
    assert_false(library_duplicate(dir, file, "two", NULL, NULL, &err));
    g_clear_error(&err);
    assert_true(library_refresh(l));
    assert_string_equal(machine_file_get(library_find(l, "two")->file, "disk", "file"), "two.img");
    assert_int_equal(stat(copy, &st), 0);
    assert_int_equal(st.st_size, 64 << 20);
    f = fopen(copy, "rb");
    assert_int_equal(fseek(f, 40 << 20, SEEK_SET), 0);
    text = g_malloc0(6);
    assert_int_equal(fread(text, 5, 1, f), 1);
    assert_string_equal(text, "guest");
    g_free(text);
    fclose(f);

    assert_true(library_delete(l, library_find(l, "one"), false, &err));
    assert_true(there("one.img") && !there("one.ini"));
    assert_true(library_delete(l, library_find(l, "two"), true, &err));
    assert_true(!there("two.img") && !there("two.ini"));
    library_free(l);
}

static void test_images(void **state)
{
    g_autofree char *path = in_dir("x.img"), *copy = in_dir("y.img");
    _Atomic bool stop = true;
    FILE *f;

    (void)state;
    assert_false(disk_image_create(path, 1000, &err));
    g_clear_error(&err);
    assert_true(disk_image_create(path, 4 << 20, &err));
    assert_false(disk_image_create(path, 4 << 20, &err)); /* never replaces a file */
    assert_non_null(strstr(err->message, "x.img"));
    g_clear_error(&err);
    f = fopen(path, "r+b");
    assert_int_equal(fwrite("x", 1, 1, f), 1);
    fclose(f);
    assert_false(disk_image_copy(path, path, NULL, NULL, &err));
    g_clear_error(&err);
    /* told to stop, it leaves nothing; where blocks are shared there is nothing to stop */
    if (!disk_image_copy(path, copy, NULL, &stop, &err))
        assert_false(there("y.img"));
}

/* ---- who runs ---- */

static void test_state(void **state)
{
    g_autofree char *ini = in_dir("a.ini");
    struct machine_state_lock *lock;
    int pid;

    (void)state;
    assert_int_equal(machine_state_look(ini, &pid), MACHINE_OFF);
    lock = machine_state_claim(ini, &err);
    assert_non_null(lock);
    assert_int_equal(machine_state_look(ini, &pid), MACHINE_RUNNING);
    assert_int_equal(pid, getpid());
    machine_state_tell(lock, MACHINE_PAUSED);
    assert_int_equal(machine_state_look(ini, NULL), MACHINE_PAUSED);
    assert_null(machine_state_claim(ini, &err));
    assert_non_null(strstr(err->message, "runs already"));
    g_clear_error(&err);
    machine_state_release(lock);
    assert_int_equal(machine_state_look(ini, &pid), MACHINE_OFF);
    assert_int_equal(pid, 0);
}

/* One who is killed leaves nothing locked. */
static void test_state_crash(void **state)
{
    g_autofree char *ini = in_dir("a.ini");
    struct machine_state_lock *lock;
    int ready[2], status;
    char c;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (!child) {
        lock = machine_state_claim(ini, NULL);
        if (write(ready[1], lock ? "y" : "n", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(c, 'y');
    assert_int_equal(machine_state_look(ini, NULL), MACHINE_RUNNING);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(machine_state_look(ini, NULL), MACHINE_OFF);
    lock = machine_state_claim(ini, &err);
    assert_non_null(lock);
    machine_state_release(lock);
    close(ready[0]);
    close(ready[1]);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_values),     CASE(test_refused), CASE(test_too_large),
        CASE(test_edited),     CASE(test_words),   CASE(test_keys),
        CASE(test_names),      CASE(test_sizes),   CASE(test_open),
        CASE(test_open_badly), CASE(test_library), CASE(test_create_duplicate_delete),
        CASE(test_images),     CASE(test_state),   CASE(test_state_crash),
    };

    return unit_main(tests);
}
