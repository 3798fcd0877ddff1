/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: questions about the machine. Answers have the members that QEMU's schema demands, and of the
 * optional ones those that mean something here. */
#include <string.h>

#include "base/lock.h"
#include "devices/pci/pci_bus.h"
#include "frontends/monitor/command.h"
#include "frontends/monitor/status.h"
#include "machine/board.h"

const char *monitor_status(struct monitor *mon)
{
    switch (machine_run_state(mon->machine)) {
    case RUN_STATE_RUNS: return "running";
    case RUN_STATE_PAUSED: return mon->has_run ? "paused" : "prelaunch";
    case RUN_STATE_DEBUGGED: return "debug";
    case RUN_STATE_ASLEEP: return "suspended";
    default: return "shutdown";
    }
}

static bool query_status(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    const char *status = monitor_status(mon);

    (void)args;
    (void)err;
    *ret = json_object();
    json_object_set_new(*ret, "status", json_string(status));
    json_object_set_new(*ret, "singlestep", json_false());
    json_object_set_new(*ret, "running", json_boolean(!strcmp(status, "running")));
    return true;
}

static bool query_name(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)args;
    (void)err;
    *ret = json_object();
    if (mon->cfg.name)
        json_object_set_new(*ret, "name", json_text(mon->cfg.name));
    return true;
}

static bool query_kvm(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)mon;
    (void)args;
    (void)err;
    *ret = json_object();
    json_object_set_new(*ret, "enabled", json_false());
    json_object_set_new(*ret, "present", json_false());
    return true;
}

static json_t *cpu_json(struct monitor *mon, unsigned n)
{
    json_t *cpu = json_object(), *props = json_object();
    char *path = g_strdup_printf("/machine/cpu[%u]", n);

    json_object_set_new(props, "socket-id", json_integer(0));
    json_object_set_new(props, "core-id", json_integer(n));
    json_object_set_new(props, "thread-id", json_integer(0));
    json_object_set_new(cpu, "cpu-index", json_integer(n));
    json_object_set_new(cpu, "qom-path", json_string(path));
    json_object_set_new(cpu, "thread-id", json_integer(machine_cpu_thread(mon->machine, n)));
    json_object_set_new(cpu, "props", props);
    json_object_set_new(cpu, "target", json_string("x86_64"));
    g_free(path);
    return cpu;
}

static bool query_cpus_fast(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)args;
    (void)err;
    *ret = json_array();
    for (unsigned n = 0; n < machine_cpus(mon->machine); n++)
        json_array_append_new(*ret, cpu_json(mon, n));
    return true;
}

static bool query_chardev(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)args;
    (void)err;
    *ret = json_array();
    for (unsigned k = 0; k < mon->cfg.n_chardevs; k++) {
        const struct monitor_chardev *c = &mon->cfg.chardev[k];
        json_t *one = json_object();

        json_object_set_new(one, "label", json_text(c->label));
        json_object_set_new(one, "filename", json_text(c->file));
        json_object_set_new(one, "frontend-open", json_true());
        json_array_append_new(*ret, one);
    }
    return true;
}

static bool query_memory(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    (void)args;
    (void)err;
    *ret = json_object();
    json_object_set_new(*ret, "base-memory", json_integer((json_int_t)mon->board->cfg.ram_size));
    return true;
}

/* ---- PCI ---- */

static json_t *pci_region(const struct pci_bar *bar, unsigned n)
{
    json_t *r = json_object();

    json_object_set_new(r, "bar", json_integer(n));
    json_object_set_new(r, "type", json_string(bar->io ? "io" : "memory"));
    json_object_set_new(r, "address", json_integer(bar->mapped ? (json_int_t)bar->addr : -1));
    json_object_set_new(r, "size", json_integer((json_int_t)bar->size));
    if (!bar->io) {
        json_object_set_new(r, "prefetch", json_boolean(bar->prefetch));
        json_object_set_new(r, "mem_type_64", json_false());
    }
    return r;
}

static unsigned word(const struct pci_device *d, unsigned off)
{
    return d->config[off] | (unsigned)d->config[off + 1] << 8;
}

static void add_function(struct pci_device *d, void *opaque)
{
    json_t *f = json_object(), *class_info = json_object(), *id = json_object();
    json_t *regions = json_array();

    json_object_set_new(class_info, "class", json_integer(word(d, PCI_CLASS)));
    json_object_set_new(class_info, "desc", json_string(d->name));
    json_object_set_new(id, "vendor", json_integer(word(d, PCI_VENDOR_ID)));
    json_object_set_new(id, "device", json_integer(word(d, PCI_DEVICE_ID)));
    json_object_set_new(id, "subsystem-vendor", json_integer(word(d, PCI_SUBSYS_VENDOR)));
    json_object_set_new(id, "subsystem", json_integer(word(d, PCI_SUBSYS_ID)));
    for (unsigned n = 0; n < PCI_NUM_BARS; n++) {
        if (d->bar[n].size)
            json_array_append_new(regions, pci_region(&d->bar[n], n));
    }
    if (d->rom.size)
        json_array_append_new(regions, pci_region(&d->rom, PCI_NUM_BARS));
    json_object_set_new(f, "bus", json_integer(0));
    json_object_set_new(f, "slot", json_integer(d->devfn >> 3));
    json_object_set_new(f, "function", json_integer(d->devfn & 7));
    json_object_set_new(f, "class_info", class_info);
    json_object_set_new(f, "id", id);
    json_object_set_new(f, "irq_pin", json_integer(d->config[PCI_INT_PIN]));
    if (d->config[PCI_INT_PIN])
        json_object_set_new(f, "irq", json_integer(d->config[PCI_INT_LINE]));
    json_object_set_new(f, "qdev_id", json_string(""));
    json_object_set_new(f, "regions", regions);
    json_array_append_new(opaque, f);
}

static bool query_pci(struct monitor *mon, json_t *args, json_t **ret, GError **err)
{
    json_t *bus = json_object(), *functions = json_array();

    (void)args;
    (void)err;
    lock_take(mon->board->lock);
    pci_bus_foreach(mon->board->pci, add_function, functions);
    lock_drop(mon->board->lock);
    json_object_set_new(bus, "bus", json_integer(0));
    json_object_set_new(bus, "devices", functions);
    *ret = json_array();
    json_array_append_new(*ret, bus);
    return true;
}

static const struct mon_command commands[] = {
    {"query-status", "", "does the machine run", .qmp = query_status},
    {"query-name", "", "the guest's name", .qmp = query_name},
    {"query-kvm", "", "is KVM used: it is not", .qmp = query_kvm},
    {"query-cpus-fast", "", "the processors and their threads", .qmp = query_cpus_fast},
    {"query-chardev", "", "what stands behind serial ports and consoles", .qmp = query_chardev},
    {"query-memory-size-summary", "", "how much memory there is", .qmp = query_memory},
    {"query-pci", "", "the functions on the PCI bus", .qmp = query_pci},
};
const struct mon_group qmp_query = {commands, G_N_ELEMENTS(commands)};
