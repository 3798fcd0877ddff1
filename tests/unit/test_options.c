/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line (frontends/cli/options.h, suggest.h): what each option does to the
 * configuration, and that what makes no sense is refused with one line that says what and, where
 * there is one, names the nearest known word. */
#include "tests/unit/unit.h"

#include <glib.h>
#include <glib/gstdio.h>

#include "base/error.h"
#include "base/log.h"
#include "base/suggest.h"
#include "frontends/cli/options.h"
#include "machine/device_kind.h"
#include "machine/network.h"
#include "machine/sound.h"

static struct options o;
static GError *err;

static int setup(void **state)
{
    (void)state;
    g_unsetenv("DISPLAY");
    g_unsetenv("WAYLAND_DISPLAY");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    options_free(&o);
    g_clear_error(&err);
    log_mask = 0;
    return 0;
}

/* Parses the words up to NULL into o and err. */
static bool parse(const char *first, ...)
{
    char *argv[64] = {(char *)(uintptr_t) "penumbra"};
    int argc = 1;
    va_list ap;

    options_free(&o);
    g_clear_error(&err);
    va_start(ap, first);
    for (const char *w = first; w; w = va_arg(ap, const char *)) {
        assert_true(argc < 64);
        argv[argc++] = (char *)(uintptr_t)w;
    }
    va_end(ap);
    return options_parse(&o, argc, argv, &err);
}

#define accepts(...)                                                                               \
    do {                                                                                           \
        if (!parse(__VA_ARGS__, NULL))                                                             \
            fail_msg("refused: %s", err->message);                                                 \
    } while (0)

/* Refused, with one line that has the first argument in it. */
#define refuses(what, ...)                                                                         \
    do {                                                                                           \
        assert_false(parse(__VA_ARGS__, NULL));                                                    \
        assert_true(g_error_matches(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION));                  \
        assert_null(strchr(err->message, '\n'));                                                   \
        if (!strstr(err->message, (what)))                                                         \
            fail_msg("'%s' is not in: %s", (what), err->message);                                  \
    } while (0)

static void test_defaults(void **state)
{
    (void)state;
    assert_true(parse(NULL));
    assert_int_equal(o.machine.ram_size, 256u << 20);
    assert_string_equal(o.machine.cpu_model, "max");
    assert_string_equal(o.machine.accel, "interp");
    assert_string_equal(o.serial[0], "null");
    assert_null(o.serial[1]);
    assert_int_equal(o.display, DISPLAY_NONE);
    assert_false(o.machine.no_reboot || o.help);
    assert_int_equal(o.machine.n_devices, 1); /* a network adapter */
    assert_int_equal(o.machine.n_netdevs, 1);
    for (unsigned n = 0; n < MACHINE_MAX_DRIVES; n++)
        assert_false(o.machine.drive[n].present);
}

static void test_memory_sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t mib;
    } good[] = {
        {"512", 512},          {"1", 1},     {"1M", 1},        {"512m", 512},
        {"2G", 2048},          {"2g", 2048}, {"1T", 0},        {"512G", 512 << 10},
        {"2048K", 2},          {"2048k", 2}, {"size=64M", 64}, {"64MB", 64},
        {"524288", 512 << 10}, {"0010", 10},
    };
    static const char *const bad[] = {
        "",
        " ",
        "M",
        "G",
        "size=",
        "0",
        "0G",
        "-1",
        "-1M",
        "+5",
        " 512",
        "512 ",
        "512B",
        "5X",
        "512MM",
        "512MBB",
        "1.5G",
        "0x100",
        "1023K",
        "1K",
        "513G",
        "524289",
        "2T",
        "999999999999G",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551617M",
        "17592186044417T",
        "99999999999999999999999999G",
        "k",
        "18014398509481985G", /* times 1024, twice, is small again in 64 bits */
        "1G,slots=2",
    };

    (void)state;
    for (unsigned k = 0; k < G_N_ELEMENTS(good); k++) {
        if (!good[k].mib) {
            refuses("out of range", "-m", good[k].text);
            continue;
        }
        accepts("-m", good[k].text);
        assert_int_equal(o.machine.ram_size, good[k].mib << 20);
    }
    for (unsigned k = 0; k < G_N_ELEMENTS(bad); k++) {
        char *quoted = g_strdup_printf("'%s'", bad[k]);

        refuses("-m: ", "-m", bad[k]);
        refuses(quoted, "-m", bad[k]);
        g_free(quoted);
    }
}

static void test_processors(void **state)
{
    static const char *const bad[] = {"",   "0",     "33",     "-1",        "two",
                                      "1x", "cpus=", "cpus=0", "4294967297"};

    (void)state;
    accepts("-m", "16M");
    assert_int_equal(o.machine.cpus, 1);
    accepts("-smp", "1");
    assert_int_equal(o.machine.cpus, 1);
    accepts("-smp", "4");
    assert_int_equal(o.machine.cpus, 4);
    accepts("-smp", "cpus=32");
    assert_int_equal(o.machine.cpus, 32);
    for (unsigned k = 0; k < G_N_ELEMENTS(bad); k++)
        refuses("-smp", "-smp", bad[k]);
    refuses("did you mean 'cpus'?", "-smp", "cpu=2");
    refuses("exceeds max CPUs 32", "-smp", "33");
    accepts("-smp", "4,sockets=2");
    assert_int_equal(o.machine.cores, 2);
    assert_int_equal(o.machine.threads, 1);
    accepts("-smp", "sockets=2,cores=2,threads=2");
    assert_int_equal(o.machine.cpus, 8);
    assert_int_equal(o.machine.max_cpus, 8);
    assert_int_equal(o.machine.cores, 2);
    assert_int_equal(o.machine.threads, 2);
    accepts("-smp", "cpus=2,maxcpus=4");
    assert_int_equal(o.machine.cpus, 2);
    assert_int_equal(o.machine.max_cpus, 4);
    assert_int_equal(o.machine.cores, 4);
    accepts("-smp", "6,cores=3,threads=2");
    refuses("are not 4 CPUs", "-smp", "4,sockets=3");
    refuses("more than maxcpus=4", "-smp", "5,maxcpus=4");
    refuses("powers of 2", "-smp", "threads=3");
    refuses("powers of 2", "-smp", "sockets=2,cores=3");
    refuses("not threads=0", "-smp", "2,threads=0");
    refuses("exceeds max CPUs", "-smp", "sockets=32,cores=32");
}

static bool warned(const char *what)
{
    for (guint n = 0; n < o.warnings->len; n++) {
        if (strstr(g_ptr_array_index(o.warnings, n), what))
            return true;
    }
    return false;
}

static void test_machine_parameters(void **state)
{
    (void)state;
    accepts("-machine", "pc,accel=interp");
    accepts("-machine", "accel=tcg,pit=off");
    assert_string_equal(o.machine.accel, "interp");
    assert_true(o.machine.no_pit);
    assert_int_equal(o.warnings->len, 0);
    accepts("-M", "type=pc,pit=on,kernel-irqchip=split,vmport=off");
    assert_false(o.machine.no_pit);
    assert_int_equal(o.warnings->len, 0);
    accepts("-machine", "accel=kvm:tcg");
    assert_int_equal(o.warnings->len, 0);
    accepts("-machine", "accel=kvm");
    assert_string_equal(o.machine.accel, "interp");
    assert_true(warned("no accelerator 'kvm'"));
    accepts("-enable-kvm");
    assert_true(warned("no accelerator 'kvm'"));
    accepts("-M", "q35,vmport=on");
    assert_true(warned("i440FX") && warned("vmport"));
    refuses("unknown -machine parameter 'pt'", "-machine", "pt=off");
    refuses("pit is 'on' or 'off'", "-machine", "pc,pit=maybe");
    refuses("unknown kernel-irqchip 'some'", "-M", "kernel_irqchip=some");
    refuses("no machine", "-machine", ",");
    refuses("no accelerator is named", "-machine", "accel=");
    accepts("-global", "kvm-pit.lost_tick_policy=discard");
    refuses("is 'discard', not 'delay'", "-global", "kvm-pit.lost_tick_policy=delay");
    accepts("-global", "VGA.mmio=on");
    assert_true(device_flag(o.machine.vga, "mmio"));
    accepts("-global", "VGA.mmio=off", "-global", "VGA.xres=1920", "-global", "VGA.romfile=a,b");
    assert_false(device_flag(o.machine.vga, "mmio"));
    assert_int_equal(device_number(o.machine.vga, "xres"), 1920);
    assert_false(device_given(o.machine.vga, "yres"));
    assert_string_equal(device_text(o.machine.vga, "romfile"), "a,b");
    accepts("-machine", "pc");
    assert_null(o.machine.vga);
    refuses("VGA: mmio is 'on' or 'off'", "-global", "VGA.mmio=");
    refuses("VGA: xres", "-global", "VGA.xres=4000");
    refuses("'100' is less than 480", "-global", "VGA.yres=100");
    refuses("VGA.xres", "-global", "VGA.xresolution=640");
    refuses("-global property 'i8042.x'", "-global", "i8042.x=1");
    refuses("is not DEVICE.PROPERTY=VALUE", "-global", "x");
    accepts("-overcommit", "cpu-pm=on,mem-lock=off");
    refuses("mem-lock=on", "-overcommit", "mem-lock=on");
    refuses("-overcommit parameter 'cpu'", "-overcommit", "cpu=on");
    refuses("nothing is asked for", "-overcommit", "");
}

static void test_usb(void **state)
{
    (void)state;
    accepts("-display", "none");
    assert_false(o.machine.usb);
    accepts("-usb", "-nic", "none");
    assert_true(o.machine.usb && !o.machine.n_devices);
    accepts("-M", "pc,usb=on");
    assert_true(o.machine.usb);
    accepts("-usbdevice", "tablet", "-usbdevice", "keyboard", "-nic", "none");
    assert_true(o.machine.usb && o.machine.n_devices == 2);
    assert_string_equal(device_config_kind(o.machine.device[0])->name, "usb-tablet");
    accepts("-device", "usb-storage,drive=d,bus=x.0,port=3,serial=S,removable=on,bootindex=2");
    refuses("did you mean 'tablet'?", "-usbdevice", "tabelt");
    refuses("port: '0' is less than 1", "-device", "usb-kbd,port=0");
    refuses("usb", "-M", "pc,usb=maybe");
}

static void test_nodefaults(void **state)
{
    (void)state;
    accepts("-nodefaults");
    assert_true(o.machine.no_vga);
    assert_string_equal(o.serial[0], "none");
    accepts("-nodefaults", "-vga", "std", "-serial", "stdio");
    assert_false(o.machine.no_vga);
    assert_string_equal(o.serial[0], "stdio");
}

static void test_cpu_properties(void **state)
{
    (void)state;
    accepts("-cpu", "max,-smep,host-phys-bits,vendor=AuthenticAMD,migratable=no");
    accepts("-cpu", "IvyBridge,phys-bits=36,host-phys-bits=off");
    accepts("-cpu", "host,smep=off,phys-bits=52");
    refuses("'phys-bits=53' is not possible", "-cpu", "max,phys-bits=53");
    refuses("'phys-bits=' is not possible", "-cpu", "max,phys-bits=");
    refuses("'vendor=Short' is not possible", "-cpu", "max,vendor=Short");
    refuses("'host-phys-bits=7' is not possible", "-cpu", "max,host-phys-bits=7");
    refuses("'turbo=on' is not possible", "-cpu", "max,turbo=on");
}

/* Scripts read the first line's version, and the devices with their quotes. */
static void test_help_for_scripts(void **state)
{
    const char *list;

    (void)state;
    assert_true(g_regex_match_simple("^QEMU emulator version \\d+\\.\\d+\\.\\d+ \\(Penumbra.*\\)\n",
                                     options_usage(), 0, 0));
    assert_non_null(strstr(options_usage(), "QEMU's options"));
    accepts("-device", "?");
    list = o.help_text;
    assert_non_null(strstr(list, "name \"pc-testdev\", bus ISA"));
    assert_non_null(strstr(list, "name \"pci-testdev\", bus PCI"));
    assert_non_null(strstr(list, "name \"isa-debug-exit\", bus ISA"));
    accepts("-device", "help");
    assert_non_null(strstr(o.help_text, "\"pc-testdev\""));
}

static void test_unknown_options(void **state)
{
    char *name = g_strnfill(5000, 'x');
    char *long_option = g_strconcat("-", name, NULL);

    (void)state;
    refuses("did you mean '-kernel'?", "-kernle", "x");
    refuses("unknown option '-no-rebot'; did you mean '-no-reboot'?", "-no-rebot");
    refuses("'-serial'", "--serail");
    refuses("(-help lists them)", "-zzzzqqqq");
    refuses("(-help lists them)", long_option);
    refuses("(-help lists them)", "--");
    refuses("is not an option", "-");
    refuses("is not an option", "");
    refuses("'disk.img' is not an option", "disk.img");
    refuses("-m needs a value", "-m");
    refuses("-append needs a value", "-kernel", "k", "-append");
    accepts("--nographic");
    assert_true(o.nographic);
    g_free(name);
    g_free(long_option);
}

static void test_unknown_values(void **state)
{
    (void)state;
    refuses("did you mean 'text'?", "-display", "txt");
    refuses("unknown display ''", "-display", "");
    refuses("unknown VGA 'cirrus'", "-vga", "cirrus");
    refuses("did you mean 'none'?", "-vga", "nne");
    refuses("unknown machine 'isapc'", "-machine", "isapc");
    refuses("did you mean 'pc'?", "-M", "pcc");
    refuses("did you mean 'max'?", "-cpu", "mx");
    refuses("unknown CPU model ''", "-cpu", "");
    refuses("unknown CPU model ''", "-cpu", ",+smep");
    refuses("did you mean 'smep'?", "-cpu", "max,-smap,+smepp");
    refuses("'smep' is neither +FEATURE nor -FEATURE", "-cpu", "max,smep");
    refuses("'' is neither", "-cpu", "max,");
    refuses("unknown CPU feature ''", "-cpu", "max,+");
    refuses("unknown CPU feature 'aaaaaaaa", "-cpu",
            "max,+"
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    refuses("'pentium3' cannot have 'smep'", "-cpu", "pentium3,+smep");
    refuses("'pentium' cannot have 'nx'", "-cpu", "pentium,+nx");
    accepts("-cpu", "max,-smep,+smep,-pcid");
    assert_string_equal(o.machine.cpu_model, "max,-smep,+smep,-pcid");
    refuses("unknown accelerator 'steam'", "-accel", "steam");
    refuses("did you mean 'interp'?", "-accel", "interpp");
    refuses("did you mean 'mmu'?", "-accel", "interp,mm=walk");
    refuses("unknown MMU ''", "-accel", "interp,mmu=");
    refuses("unknown MMU ''", "-accel", "interp,mmu");
    refuses("unknown -accel parameter 'interp'", "-accel", "interp,interp");
    refuses("did you mean 'isa-debug-exit'?", "-device", "isa-debug-exti");
    refuses("unknown device ''", "-device", "");
    refuses("unknown device 'virtio-net'", "-device", "virtio-net,mac=52:54:00:12:34:56");
    refuses("did you mean 'iobase'?", "-device", "isa-debug-exit,iobas=1");
    refuses("pc-testdev has no parameter 'x'", "-device", "pc-testdev,x=1");
    refuses("did you mean 'base'?", "-rtc", "bas=utc");
    refuses("did you mean 'utc'?", "-rtc", "base=ut");
    refuses("unknown -rtc base ''", "-rtc", "base");
    refuses("did you mean 'guest'?", "-d", "int,gest,io");
    refuses("unknown log category ''", "-d", "int,,io");
}

static void test_serial(void **state)
{
    (void)state;
    accepts("-serial", "stdio", "-serial", "none", "-serial", "file:a,b", "-serial", "null");
    assert_string_equal(o.serial[0], "stdio");
    assert_string_equal(o.serial[1], "none");
    assert_string_equal(o.serial[2], "file:a,b");
    refuses("only 4 ports", "-serial", "null", "-serial", "null", "-serial", "null", "-serial",
            "null", "-serial", "null");
    accepts("-nographic");
    assert_string_equal(o.serial[0], "mon:stdio");
    accepts("-nographic", "-serial", "file:x");
    assert_string_equal(o.serial[0], "file:x");
    accepts("-debugcon", "file:x");
    assert_string_equal(o.port_e9, "file:x");
}

static void test_display(void **state)
{
    (void)state;
    g_setenv("DISPLAY", ":0", TRUE);
    assert_true(parse(NULL));
    assert_int_equal(o.display, DISPLAY_SDL);
    accepts("-nographic");
    assert_int_equal(o.display, DISPLAY_NONE);
    accepts("-display", "none");
    assert_int_equal(o.display, DISPLAY_NONE);
    g_setenv("DISPLAY", "", TRUE); /* as good as none */
    assert_true(parse(NULL));
    assert_int_equal(o.display, DISPLAY_NONE);
    accepts("-nographic", "-display", "text"); /* what is asked for counts */
    assert_int_equal(o.display, DISPLAY_TEXT);
    accepts("-display", "sdl");
    assert_int_equal(o.display, DISPLAY_SDL);
    accepts("-vga", "none", "-vga", "std");
    assert_false(o.machine.no_vga);
}

static void test_drives(void **state)
{
    const struct machine_drive *d = o.machine.drive;

    (void)state;
    accepts("-drive", "file=a,,b=c,format=raw,if=ide", "-cdrom", "cd.iso", "-hdb", "h,d");
    assert_string_equal(d[0].file, "a,b=c"); /* a doubled comma is one; only the first '=' splits */
    assert_true(d[0].present && !d[0].cd && !d[0].readonly && !d[0].snapshot);
    assert_string_equal(d[1].file, "h,d"); /* -hda takes a plain name */
    assert_true(d[2].present && d[2].cd);
    assert_false(d[3].present);
    accepts("-drive", "file=x,bus=1,unit=1,readonly=on");
    assert_true(d[3].present && d[3].readonly);
    accepts("-drive", "index=2,media=cdrom"); /* an empty CD drive */
    assert_true(d[2].present && d[2].cd && !d[2].file);
    accepts("-drive", "file=,media=cdrom,index=0");
    assert_true(d[0].present && d[0].cd && !d[0].file);
    accepts("-drive", "file=x,readonly,snapshot=on,readonly=off");
    assert_true(d[0].snapshot && !d[0].readonly);
    accepts("-drive", ",file=x,,,");
    assert_string_equal(d[0].file,
                        "x,"); /* the first two commas of three are one, the third ends it */
}

static void test_bad_drives(void **state)
{
    GString *many = g_string_new("file=x");

    (void)state;
    for (unsigned n = 0; n < 40; n++)
        g_string_append(many, ",readonly=on");
    refuses("too many parameters", "-drive", many->str);
    refuses("no file=", "-drive", "");
    refuses("no file=", "-drive", "file=");
    refuses("no file=", "-drive", "if=ide");
    refuses("unknown disk format 'qcow3'; did you mean 'qcow2'?", "-drive", "file=x,format=qcow3");
    refuses("unknown disk format ''", "-drive", "file=x,format");
    refuses("unknown -drive interface 'scsi'", "-drive", "file=x,if=scsi");
    refuses("unknown -drive cache mode 'writebak'; did you mean 'writeback'?", "-drive",
            "file=x,cache=writebak");
    refuses("unknown -drive discard mode 'yes'", "-drive", "file=x,discard=yes");
    refuses("unknown -drive werror 'panic'", "-drive", "file=x,werror=panic");
    refuses("unknown -drive rerror 'enospc'", "-drive", "file=x,rerror=enospc");
    refuses("unknown -drive aio 'fast'", "-drive", "file=x,aio=fast");
    refuses("serial has 1 to 20", "-drive", "file=x,serial=");
    refuses("serial has 1 to 20", "-drive", "file=x,serial=123456789012345678901");
    refuses("id has 1 to 60", "-drive", "file=x,id=");
    refuses("two drives have id=a", "-drive", "file=x,id=a", "-drive", "file=y,id=a,if=none");
    refuses("if=none needs an id=", "-drive", "file=x,if=none");
    refuses("bus= and unit= are for if=ide", "-drive", "file=x,if=virtio,unit=1");
    refuses("two drives have if=virtio and index=3", "-drive", "file=x,if=virtio,index=3", "-drive",
            "file=y,if=virtio,index=3");
    refuses("two floppy drives", "-drive", "file=x,if=floppy,index=2");
    refuses("two drives have if=floppy and index=0", "-fda", "x", "-fda", "y");
    refuses("two flash chips, unit=0 and unit=1", "-drive", "file=x,if=pflash,index=2");
    refuses("two flash chips, unit=0 and unit=1", "-pflash", "x", "-pflash", "y", "-pflash", "z");
    refuses("two drives have if=pflash and index=1", "-drive", "file=x,if=pflash,unit=1", "-drive",
            "file=y,if=pflash,unit=1");
    refuses("if=pflash is a flash chip", "-drive", "file=x,if=pflash,media=cdrom");
    refuses("unit= also for if=pflash", "-drive", "file=x,if=virtio,unit=1");
    refuses("media is 'disk' or 'cdrom', not 'floppy'", "-drive", "file=x,media=floppy");
    refuses("index: '4' is not a number from 0 to 3", "-drive", "file=x,index=4");
    refuses("index: '-1'", "-drive", "file=x,index=-1");
    refuses("index: ''", "-drive", "file=x,index=");
    refuses("index: ''", "-drive", "file=x,index");
    refuses("index: ' 1'", "-drive", "file=x,index= 1");
    refuses("index: '1x'", "-drive", "file=x,index=1x");
    refuses("index: '99999999999999999999999'", "-drive", "file=x,index=99999999999999999999999");
    refuses("bus: '2'", "-drive", "file=x,bus=2");
    refuses("unit: '2'", "-drive", "file=x,unit=2");
    refuses("say the same twice", "-drive", "file=x,index=1,unit=1");
    refuses("readonly is 'on' or 'off', not 'maybe'", "-drive", "file=x,readonly=maybe");
    refuses("did you mean 'readonly'?", "-drive", "file=x,readnly=on");
    refuses("unknown -drive parameter ''", "-drive", "=x,file=y");
    refuses("two drives want IDE place 0 ('a' and 'b')", "-hda", "a", "-hda", "b");
    refuses("place 2 ('c' and 'd')", "-cdrom", "c", "-hdc", "d");
    refuses("place 1 ('an empty drive' and 'x')", "-drive", "media=cdrom,index=1", "-hdb", "x");
    refuses("no free IDE place for 'e'", "-hda", "a", "-hdb", "b", "-hdc", "c", "-hdd", "d",
            "-drive", "file=e");
    refuses("no free IDE place for 'an empty drive'", "-hda", "a", "-hdb", "b", "-hdc", "c", "-hdd",
            "d", "-drive", "media=cdrom");
    g_string_free(many, TRUE);
}

static void test_drive_parameters(void **state)
{
    const struct machine_drive *d = o.machine.drive;

    (void)state;
    accepts("-hda", "a");
    assert_int_equal(d[0].write_error, BLOCK_ERROR_STOP_IF_FULL);
    assert_int_equal(d[0].read_error, BLOCK_ERROR_REPORT);
    assert_null(d[0].format);
    accepts("-drive",
            "file=x,format=vdi,cache=none,discard=unmap,serial=S1,werror=stop,rerror=stop,"
            "id=root,aio=native");
    assert_string_equal(d[0].format, "vdi");
    assert_string_equal(d[0].serial, "S1");
    assert_string_equal(d[0].id, "root");
    assert_int_equal(d[0].cache, BLOCK_CACHE_NONE);
    assert_true(d[0].discard);
    assert_int_equal(d[0].write_error, BLOCK_ERROR_STOP);
    assert_int_equal(d[0].read_error, BLOCK_ERROR_STOP);
    /* those that are no IDE drives follow behind its places */
    accepts("-drive", "file=n,if=none,id=n", "-drive", "file=v1,if=virtio,index=1", "-drive",
            "file=v0,if=virtio", "-fdb", "f", "-drive", "if=floppy", "-drive",
            "if=none,id=c,media=cdrom", "-drive", "if=virtio,file=v2", "-hda", "a");
    assert_string_equal(d[0].file, "a");
    assert_false(d[1].present || d[2].present || d[3].present);
    assert_int_equal(d[4].interface, MACHINE_IF_NONE);
    assert_int_equal(d[5].interface, MACHINE_IF_VIRTIO);
    assert_int_equal(d[5].index, 1);
    assert_int_equal(d[6].index, 0);
    assert_int_equal(d[7].interface, MACHINE_IF_FLOPPY);
    assert_int_equal(d[7].index, 1);
    assert_true(d[8].present && !d[8].file);
    assert_int_equal(d[8].index, 0);
    assert_true(d[9].cd && d[9].readonly && !d[9].file);
    assert_int_equal(d[10].index, 2);
    accepts("-drive", "if=pflash,format=raw,unit=1,file=v", "-drive",
            "if=pflash,format=raw,readonly=on,file=c", "-M", "pc,pflash1=x");
    assert_string_equal(d[4].file, "v");
    assert_int_equal(d[4].interface, MACHINE_IF_PFLASH);
    assert_int_equal(d[4].index, 1);
    assert_int_equal(d[5].index, 0);
    assert_true(d[5].readonly);
    assert_null(o.machine.pflash[0]);
    assert_string_equal(o.machine.pflash[1], "x");
}

/* No disk is written to, wherever -snapshot stands among them. */
static void test_snapshot(void **state)
{
    const struct machine_drive *d = o.machine.drive;

    (void)state;
    accepts("-snapshot", "-hda", "a", "-drive", "file=b,snapshot=off");
    assert_true(d[0].snapshot && d[1].snapshot);
    accepts("-hda", "a", "-snapshot", "-hdb", "b");
    assert_true(d[0].snapshot && d[1].snapshot);
    assert_false(d[2].present);
    accepts("-hda", "a", "-drive", "file=b,snapshot=on");
    assert_true(!d[0].snapshot && d[1].snapshot);
}

static void test_boot(void **state)
{
    (void)state;
    accepts("-boot", "dc");
    assert_string_equal(o.machine.boot_order, "dc");
    accepts("-boot", "order=cd,menu=on");
    assert_string_equal(o.machine.boot_order, "cd");
    assert_true(o.machine.boot_menu);
    accepts("-boot", "menu=off");
    assert_null(o.machine.boot_order);
    assert_false(o.machine.boot_menu);
    refuses("order 'x'", "-boot", "x");
    refuses("order ''", "-boot", "order=");
    refuses("order ''", "-boot", "menu=on,order");
    refuses("did you mean 'menu'?", "-boot", "meno=on");
    refuses("unknown -boot parameter 'c'", "-boot", "menu=on,c");
    /* the first boot alone: not something that may be mistaken for an order that stays */
    refuses("unknown -boot parameter 'once'", "-boot", "once=d");
}

static void expect_device(unsigned n, const char *name)
{
    assert_true(n < o.machine.n_devices);
    assert_string_equal(device_config_kind(o.machine.device[n])->name, name);
}

static void test_network(void **state)
{
    (void)state;
    accepts("-display", "none");
    expect_device(0, "e1000");
    assert_string_equal(device_text(o.machine.device[0], "netdev"),
                        netdev_config_id(o.machine.netdev[0]));
    accepts("-nodefaults");
    assert_int_equal(o.machine.n_devices + o.machine.n_netdevs, 0);
    accepts("-icount", "2");
    assert_int_equal(o.machine.n_devices + o.machine.n_netdevs, 0);
    accepts("-nic", "none");
    assert_int_equal(o.machine.n_devices + o.machine.n_netdevs, 0);
    accepts("-netdev", "user,id=n", "-device", "rtl8139,netdev=n");
    assert_int_equal(o.machine.n_devices, 1);
    assert_int_equal(o.machine.n_netdevs, 1);
    /* adapters of -nic come first; a comma is part of a value */
    accepts("-device", "pci-testdev", "-nic",
            "user,model=ne2k_pci,mac=52:54:00:00:00:01,id=a,,b,hostname=x,,y", "-nic", "user");
    expect_device(0, "ne2k_pci");
    expect_device(1, "e1000");
    expect_device(2, "pci-testdev");
    assert_string_equal(device_text(o.machine.device[0], "netdev"), "a,b");
    assert_string_equal(device_text(o.machine.device[0], "mac"), "52:54:00:00:00:01");
    accepts("-nic", "user,model=help");
    assert_non_null(strstr(o.help_text, "e1000"));
    accepts("-netdev", "user,id=n", "-object", "filter-dump,id=d,netdev=n,file=f,maxlen=96");
    assert_int_equal(o.machine.netdump[0]->maxlen, 96);
    refuses("did you mean 'e1000'", "-nic", "user,model=e100");
    refuses("did you mean 'hostfwd'", "-nic", "user,hostfwt=tcp::1-:2");
    refuses("wants an id", "-netdev", "user");
    refuses("unknown network 'tap'", "-nic", "tap");
    refuses("no parameters", "-nic", "none,model=e1000");
    refuses("of a group", "-nic", "user,mac=01:00:00:00:00:01");
    refuses("wants id, netdev and file", "-object", "filter-dump,id=d");
}

static void test_devices(void **state)
{
    (void)state;
    accepts("-nic", "none", "-device", "isa-debug-exit");
    expect_device(0, "isa-debug-exit");
    assert_int_equal(device_number(o.machine.device[0], "iobase"), 0x501);
    assert_int_equal(device_number(o.machine.device[0], "iosize"), 2);
    assert_false(device_given(o.machine.device[0], "iobase"));
    assert_null(device_config_id(o.machine.device[0]));
    accepts("-nic", "none", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04,id=end");
    assert_int_equal(device_number(o.machine.device[0], "iobase"), 0xf4);
    assert_int_equal(device_number(o.machine.device[0], "iosize"), 4);
    assert_string_equal(device_config_id(o.machine.device[0]), "end");
    refuses("iobase: '0x10000'", "-device", "isa-debug-exit,iobase=0x10000");
    refuses("iobase: ''", "-device", "isa-debug-exit,iobase");
    refuses("iosize: '5'", "-device", "isa-debug-exit,iosize=5");
    refuses("iosize: '0'", "-device", "isa-debug-exit,iosize=0");
    refuses("wants one id", "-device", "isa-debug-exit,id=");
    accepts("-nic", "none", "-device", "pc-testdev", "-device", "isa-debug-exit");
    expect_device(0, "pc-testdev");
    expect_device(1, "isa-debug-exit");
    accepts("-nic", "none", "-device", "pci-testdev", "-device", "pci-testdev,addr=1f.7");
    assert_int_equal(o.machine.n_devices, 2);
    assert_false(device_given(o.machine.device[0], "addr"));
    assert_int_equal(device_number(o.machine.device[1], "addr"), 0xff);
    accepts("-nic", "none", "-device", "pci-testdev,addr=0xa");
    assert_int_equal(device_number(o.machine.device[0], "addr"), 0x50);
    refuses("no PCI slot", "-device", "pci-testdev,addr=20");
    refuses("no PCI slot", "-device", "pci-testdev,addr=4.8");
    refuses("no PCI slot", "-device", "pci-testdev,addr=4.");
    refuses("no PCI slot", "-device", "pci-testdev,addr=-1");
    refuses("no PCI slot", "-device", "pci-testdev,addr=00000000004");
    refuses("no PCI slot", "-device", "pci-testdev,addr");
    refuses("did you mean 'addr'?", "-device", "pci-testdev,adr=4");
    refuses("did you mean 'pci-testdev'?", "-device", "pci-testdew");
    accepts("-nic", "none", "-device", "isa-debug-exit,help");
    assert_non_null(strstr(o.help_text, "iobase=<number>"));
    accepts("-nic", "none", "-device", "pci-testdev,?");
    assert_non_null(strstr(o.help_text, "addr=<slot>"));
}

static void test_kernel(void **state)
{
    (void)state;
    accepts("-kernel", "k", "-append", "-console=a,b", "-initrd", "i x,j");
    assert_string_equal(o.machine.kernel, "k");
    assert_string_equal(o.machine.append, "-console=a,b"); /* a value may begin with a dash */
    assert_string_equal(o.machine.initrd, "i x,j");
    refuses("need -kernel", "-append", "x");
    refuses("need -kernel", "-initrd", "x");
    refuses("-bios makes no sense", "-kernel", "k", "-bios", "b");
    accepts("-bios", "b", "-L", "dir", "-no-reboot", "-rtc", "base=localtime", "-name", "a,b");
    assert_string_equal(o.machine.bios, "b");
    assert_string_equal(o.machine.firmware_dir, "dir");
    assert_string_equal(o.machine.name, "a,b");
    assert_true(o.machine.no_reboot && o.machine.rtc_local);
    accepts("-rtc", "base=localtime", "-rtc", "base=utc");
    assert_false(o.machine.rtc_local);
}

static void test_log(void **state)
{
    (void)state;
    accepts("-d", "exec,boot");
    assert_int_equal(log_mask, LOG_EXEC | LOG_BOOT);
    accepts("-d", "help");
    for (unsigned n = 0; log_category_name(n); n++) {
        assert_non_null(strstr(o.help_text, log_category_name(n)));
        assert_non_null(strstr(o.help_text, log_category_what(n)));
    }
    refuses("/nowhere/x: cannot write: No such file or directory", "-D", "/nowhere/x");
    refuses("cannot write", "-D", "");
}

static void test_help(void **state)
{
    (void)state;
    accepts("-help");
    assert_true(o.help);
    accepts("--help");
    assert_true(o.help);
    accepts("-h");
    assert_true(o.help);
    accepts("-version");
    assert_true(o.version);
    accepts("-cpu", "help");
    assert_non_null(strstr(o.help_text, "max"));
    accepts("-accel", "help");
    assert_non_null(strstr(o.help_text, "interp"));
    accepts("-screendump", "f", "-stats");
    assert_string_equal(o.screendump, "f");
    assert_true(o.stats);
    /* every line of the usage starts an option or explains one */
    assert_non_null(strstr(options_usage(), "\n  -m SIZE"));
    assert_non_null(strstr(options_usage(), "\n  -drive file="));
    assert_null(strstr(options_usage(), "(null)"));
    assert_ptr_equal(options_usage(), options_usage());
}

static void test_suggest(void **state)
{
    static const char *const words[] = {"serial", "display", "d", "drive"};
    char *name = g_strnfill(300, 'q');

    (void)state;
    assert_string_equal(suggest("serail", words, 4), "serial");
    assert_string_equal(suggest("serial", words, 4), "serial");
    assert_string_equal(suggest("driv", words, 4), "drive");
    assert_string_equal(suggest("drives", words, 4), "drive");
    assert_null(suggest("", words, 4));
    assert_null(suggest("x", words, 4));
    assert_null(suggest("qqqqqq", words, 4));
    assert_null(suggest("abc", words, 0));
    assert_null(suggest(name, words, 4)); /* far from all, however long it is */
    g_free(name);
}

#define OPTIONS_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static void test_window(void **state)
{
    (void)state;
    accepts("-display", "sdl");
    assert_false(o.full_screen || o.smooth || o.show_cursor || o.no_window_close || o.renderer);
    accepts("-display", "sdl,gl=off,full-screen=on,zoom-to-fit=on,window-close=off,show-cursor=on");
    assert_int_equal(o.display, DISPLAY_SDL);
    assert_true(o.full_screen && o.smooth && o.show_cursor && o.no_window_close);
    assert_string_equal(o.renderer, "software");
    accepts("-full-screen", "-k", "de");
    assert_true(o.full_screen);
    assert_string_equal(o.layout, "de");
    refuses("did you mean 'full-screen'", "-display", "sdl,fullscreen=on");
    refuses("did you mean 'sdl'", "-display", "sdll");
    refuses("gl 'maybe'", "-display", "sdl,gl=maybe");
    refuses("-display none has no parameter 'gl'", "-display", "none,gl=on");
    refuses("keyboard layout 'dd'; did you mean 'de'?", "-k", "dd");
    assert_false(parse("-open", "/nowhere/at/all.ini", NULL));
    assert_non_null(strstr(err->message, "/nowhere/at/all.ini"));
}

static void test_sound(void **state)
{
    (void)state;
    accepts("-audiodev", "wav,id=w,path=a,,b,out.frequency=48000", "-audiodev", "driver=none,id=n",
            "-machine", "pc,pcspk-audiodev=w", "-nic", "none", "-device", "AC97,audiodev=w");
    assert_int_equal(o.machine.n_audiodevs, 2);
    assert_int_equal(o.machine.audiodev[0]->driver, AUDIODEV_WAV);
    assert_string_equal(o.machine.audiodev[0]->id, "w");
    assert_string_equal(o.machine.audiodev[0]->path, "a,b");
    assert_int_equal(o.machine.audiodev[0]->rate, 48000);
    assert_int_equal(o.machine.audiodev[1]->driver, AUDIODEV_NONE);
    assert_string_equal(o.machine.speaker_audiodev, "w");
    assert_null(o.machine.audio_default);
    assert_string_equal(device_text(o.machine.device[0], "audiodev"), "w");
    options_free(&o);
    accepts("-audio", "driver=sdl,model=ac97", "-nic", "none");
    assert_int_equal(o.machine.n_audiodevs, 1);
    assert_int_equal(o.machine.audiodev[0]->driver, AUDIODEV_SDL);
    assert_int_equal(o.machine.n_devices, 1);
    assert_string_equal(device_config_kind(o.machine.device[0])->name, "AC97");
    assert_string_equal(device_text(o.machine.device[0], "audiodev"), o.machine.audio_default);
    options_free(&o);
    accepts("-audio", "wav,path=x,id=me,model=sb16", "-nic", "none");
    assert_string_equal(o.machine.audio_default, "me");
    assert_string_equal(device_config_kind(o.machine.device[0])->name, "sb16");
    options_free(&o);
    /* in a window a card is heard by itself, but not where runs are to be the same */
    accepts("-device", "AC97", "-display", "sdl");
    assert_int_equal(o.machine.audiodev[0]->driver, AUDIODEV_SDL);
    options_free(&o);
    accepts("-device", "AC97", "-display", "sdl", "-icount", "shift=2");
    assert_int_equal(o.machine.n_audiodevs, 0);
    options_free(&o);
    refuses("did you mean 'wav'", "-audiodev", "wave,id=a,path=x");
    refuses("wants an id", "-audiodev", "none");
    refuses("needs path=", "-audiodev", "wav,id=a");
    refuses("path= is for wav", "-audiodev", "sdl,id=a,path=x");
    refuses("8000 to 192000", "-audiodev", "none,id=a,out.frequency=7999");
    refuses("out.frequency", "-audiodev", "none,id=a,out.frequency=192001");
    refuses("did you mean 'path'", "-audiodev", "wav,id=a,paht=x");
    refuses("did you mean 'ac97'", "-audio", "none,model=ac98");
    refuses("which driver", "-audio", "model=ac97");
    refuses("given twice", "-audio", "none", "-audio", "none");
    refuses("wants the id", "-machine", "pc,pcspk-audiodev");
}

static void test_chardev(void **state)
{
    (void)state;
    accepts("-chardev", "file,id=a,path=/tmp/x,,y", "-chardev", "stdio,id=b", "-chardev",
            "stdio,signal=off,id=c", "-nic", "user,model=virtio");
    assert_int_equal(o.machine.n_chardevs, 3);
    assert_string_equal(o.machine.chardev[0].id, "a");
    assert_string_equal(o.chardev_spec[0], "file:/tmp/x,y");
    assert_string_equal(o.chardev_spec[1], "stdio,signal=on");
    assert_string_equal(o.chardev_spec[2], "stdio");
    assert_string_equal(device_config_kind(o.machine.device[0])->name, "virtio-net-pci");
    refuses("did you mean 'file'", "-chardev", "files,id=a,path=x");
    refuses("unknown -chardev backend", "-chardev", "id=a");
    refuses("needs id=", "-chardev", "null");
    refuses("needs id=", "-chardev", "null,id");
    refuses("needs path=", "-chardev", "file,id=a");
    refuses("path= is for files", "-chardev", "pty,id=a,path=x");
    refuses("did you mean 'path'", "-chardev", "file,id=a,pathe=x");
    refuses("two with id=a", "-chardev", "null,id=a", "-chardev", "pty,id=a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPTIONS_TEST(test_machine_parameters),
        OPTIONS_TEST(test_usb),
        OPTIONS_TEST(test_nodefaults),
        OPTIONS_TEST(test_cpu_properties),
        OPTIONS_TEST(test_help_for_scripts),
        OPTIONS_TEST(test_defaults),
        OPTIONS_TEST(test_memory_sizes),
        OPTIONS_TEST(test_processors),
        cmocka_unit_test(test_unknown_options),
        OPTIONS_TEST(test_unknown_values),
        OPTIONS_TEST(test_serial),
        OPTIONS_TEST(test_chardev),
        OPTIONS_TEST(test_sound),
        OPTIONS_TEST(test_display),
        OPTIONS_TEST(test_window),
        OPTIONS_TEST(test_drives),
        OPTIONS_TEST(test_drive_parameters),
        OPTIONS_TEST(test_bad_drives),
        OPTIONS_TEST(test_snapshot),
        OPTIONS_TEST(test_boot),
        OPTIONS_TEST(test_network),
        OPTIONS_TEST(test_devices),
        OPTIONS_TEST(test_kernel),
        OPTIONS_TEST(test_log),
        OPTIONS_TEST(test_help),
        OPTIONS_TEST(test_suggest),
    };
    return unit_main(tests);
}
