/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The human monitor: what is done to the machine. Most are QMP's commands in other words. */
#include <string.h>

#include "frontends/monitor/hmp.h"
#include "machine/machine.h"

/* Runs QMP's command of this name. */
static bool via_qmp(struct hmp *h, const char *name, json_t *args, GError **err)
{
    json_t *ret = NULL;
    bool ok = command_find(qmp_groups, name)->qmp(h->mon, args, &ret, err);

    json_decref(ret);
    return ok;
}

#define VIA_QMP(fn, name)                                                                          \
    static bool fn(struct hmp *h, json_t *args, GString *out, GError **err)                        \
    {                                                                                              \
        (void)out;                                                                                 \
        return via_qmp(h, name, args, err);                                                        \
    }
VIA_QMP(stop, "stop")
VIA_QMP(cont, "cont")
VIA_QMP(quit, "quit")
VIA_QMP(system_reset, "system_reset")
VIA_QMP(system_powerdown, "system_powerdown")
VIA_QMP(system_wakeup, "system_wakeup")
VIA_QMP(nmi, "inject-nmi")
VIA_QMP(screendump, "screendump")
VIA_QMP(pmemsave, "pmemsave")

static bool memsave(struct hmp *h, json_t *args, GString *out, GError **err)
{
    (void)out;
    json_object_set_new(args, "cpu-index", json_integer(h->cpu));
    return via_qmp(h, "memsave", args, err);
}

static bool eject(struct hmp *h, json_t *args, GString *out, GError **err)
{
    (void)out;
    if (json_object_get(args, "f"))
        json_object_set_new(args, "force", json_true());
    return via_qmp(h, "eject", args, err);
}

static bool change(struct hmp *h, json_t *args, GString *out, GError **err)
{
    (void)out;
    if (json_object_get(args, "f"))
        json_object_set_new(args, "force", json_true());
    return via_qmp(h, "blockdev-change-medium", args, err);
}

/* MiB, or with a suffix what that says. */
static bool resize(struct hmp *h, json_t *args, GString *out, GError **err)
{
    const char *text = args_string(args, "size", ""), *suffixes = "BKMGT", *suffix;
    char *end;
    guint64 n = g_ascii_strtoull(text, &end, 10);

    (void)out;
    suffix = *end ? strchr(suffixes, g_ascii_toupper(*end)) : suffixes + 2;
    if (end == text || !suffix || (*end && end[1]) ||
        n > (guint64)INT64_MAX >> 10 * (suffix - suffixes))
        return monitor_fail(err, "'%s' is no size (as in 20G)", text);
    json_object_set_new(args, "size", json_integer((json_int_t)(n << 10 * (suffix - suffixes))));
    return via_qmp(h, "block_resize", args, err);
}

/* "ctrl-alt-delete", or a code in hexadecimal, to QMP's lists. */
static bool sendkey(struct hmp *h, json_t *args, GString *out, GError **err)
{
    char **part = g_strsplit(args_string(args, "keys", ""), "-", 0);
    json_t *list = json_array(), *cmd = json_object();
    bool ok;

    (void)out;
    for (unsigned k = 0; part[k]; k++) {
        json_t *key = json_object();
        guint64 code;

        if (g_str_has_prefix(part[k], "0x") &&
            g_ascii_string_to_unsigned(part[k] + 2, 16, 1, 255, &code, NULL)) {
            json_object_set_new(key, "type", json_string("number"));
            json_object_set_new(key, "data", json_integer((json_int_t)code));
        } else {
            json_object_set_new(key, "type", json_string("qcode"));
            json_object_set_new(key, "data", json_text(!strcmp(part[k], "<") ? "less" : part[k]));
        }
        json_array_append_new(list, key);
    }
    json_object_set_new(cmd, "keys", list);
    if (json_object_get(args, "ms"))
        json_object_set(cmd, "hold-time", json_object_get(args, "ms"));
    ok = via_qmp(h, "send-key", cmd, err);
    json_decref(cmd);
    g_strfreev(part);
    return ok;
}

static bool cpu(struct hmp *h, json_t *args, GString *out, GError **err)
{
    int64_t n = args_int(args, "n", 0);

    (void)out;
    if (n < 0 || n >= machine_cpus(h->mon->machine))
        return monitor_fail(err, "there are processors 0 to %u", machine_cpus(h->mon->machine) - 1);
    h->cpu = (unsigned)n;
    return true;
}

static const struct mon_command commands[] = {
    {"stop", "", "pauses the machine", .hmp = stop},
    {"cont", "", "lets it go on", .hmp = cont},
    {"quit", "", "ends Penumbra with status 0", .hmp = quit},
    {"system_reset", "", "resets the machine, as its button would", .hmp = system_reset},
    {"system_powerdown", "", "presses the power button", .hmp = system_powerdown},
    {"system_wakeup", "", "wakes a guest that sleeps (ACPI S3)", .hmp = system_wakeup},
    {"nmi", "", "sends an NMI to every processor", .hmp = nmi},
    {"cpu", "n:i", "makes processor N the one whose registers and addresses are meant", .hmp = cpu},
    {"sendkey", "keys:s,ms:i?", "presses keys together, as in ctrl-alt-delete", .hmp = sendkey},
    {"screendump", "filename:s,format:s?", "saves the screen as PNG or PPM", .hmp = screendump},
    {"eject", "f:b?,device:s",
     "opens a CD or floppy drive and takes out what is in it; -f: by force", .hmp = eject},
    {"change", "f:b?,device:s,filename:s",
     "puts another medium into a CD or floppy drive, and closes it", .hmp = change},
    {"block_resize", "device:s,size:s",
     "makes the raw image of a virtio disk larger, to N MiB (20G)", .hmp = resize},
    {"memsave", "val:i,size:i,filename:s", "saves memory at a linear address", .hmp = memsave},
    {"pmemsave", "val:i,size:i,filename:s", "saves memory at a physical address", .hmp = pmemsave},
};
const struct mon_group hmp_vm = {commands, G_N_ELEMENTS(commands)};
