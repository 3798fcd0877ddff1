/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board, wired top to bottom: an i440FX/PIIX3 PC as SeaBIOS and every PC operating system of
 * the last thirty years know it. Reading board_build() is reading the machine.
 */
#include <inttypes.h>
#include <stdio.h>

#include "backends/block.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/log.h"
#include "cpu/cpuid.h"
#include "cpu/features.h"
#include "cpu/mmu_shadowed.h"
#include "devices/display/vga.h"
#include "devices/input/i8042.h"
#include "devices/input/ps2_kbd.h"
#include "devices/input/ps2_mouse.h"
#include "devices/pc/acpi_pm.h"
#include "devices/pc/apic_bus.h"
#include "devices/pc/coproc_error.h"
#include "devices/pc/debugcon.h"
#include "devices/pc/dma8237.h"
#include "devices/pc/fw_cfg.h"
#include "devices/pc/hpet.h"
#include "devices/pc/ioapic.h"
#include "devices/pc/pic.h"
#include "devices/pc/pit.h"
#include "devices/pc/port92.h"
#include "devices/pc/rtc.h"
#include "devices/pc/uart16550.h"
#include "devices/pci/i440fx.h"
#include "devices/pci/pci_bus.h"
#include "devices/pci/piix3.h"
#include "devices/storage/fdc.h"
#include "devices/storage/piix_ide.h"
#include "machine/board.h"
#include "machine/board_build.h"
#include "machine/board_cpu.h"
#include "machine/devices_storage.h"
#include "machine/devices_virtio.h"
#include "machine/firmware_cfg.h"
#include "machine/kernel_entry.h"
#include "machine/network.h"
#include "machine/notes.h"
#include "machine/pci_assign.h"
#include "machine/sound.h"

#define CMOS_RESET_CODE 0x0f
#define CMOS_RESET_S3   0xfe
#define PHYS_LIMIT      ((UINT64_C(1) << 40) - 1)

/* Keeps a device; false when it could not be made. */
#define ADD(ptr, device_of) ((ptr) && board_add(b, device_of(ptr)))

/* ---- what chips tell the board ---- */

static bool dma_read_ram(void *opaque, uint64_t gpa, void *buf, size_t len)
{
    struct board *b = opaque;

    return memslots_read(b->mem.slots, gpa, buf, len);
}

static bool dma_write_ram(void *opaque, uint64_t gpa, const void *buf, size_t len)
{
    struct board *b = opaque;

    return memslots_write(b->mem.slots, gpa, buf, len);
}

static bool send_message(void *opaque, uint64_t addr, uint32_t data)
{
    struct board *b = opaque;

    return apic_bus_msi(b->apic_bus, addr, data);
}

static bool bar_map(void *opaque, uint64_t gpa, uint64_t len, void *hva, bool readonly)
{
    struct board *b = opaque;

    return memory_bar_map(&b->mem, gpa, len, hva, readonly);
}

static void bar_unmap(void *opaque, uint64_t gpa, uint64_t len)
{
    struct board *b = opaque;

    memory_bar_unmap(&b->mem, gpa, len);
}

static bool bar_move(void *opaque, uint64_t from, uint64_t to, uint64_t len)
{
    struct board *b = opaque;

    return memory_bar_move(&b->mem, from, to, len);
}

static void pam_changed(void *opaque, uint32_t start, uint32_t len, bool read_ram, bool write_ram)
{
    struct board *b = opaque;

    memory_pam(&b->mem, start, len, read_ram, write_ram);
}

static void smram_changed(void *opaque, bool open, bool enabled, bool locked)
{
    struct board *b = opaque;

    (void)locked;
    memory_smram(&b->mem, open, enabled);
}

static void reset_asked(void *opaque, bool hard)
{
    board_request(opaque, hard ? REQUEST_RESET : REQUEST_CPU_RESET);
}

static void reset_line(void *opaque, int n, bool level)
{
    (void)n;
    if (level)
        board_request(opaque, REQUEST_RESET);
}

static void power_off(void *opaque)
{
    board_end_by_guest(opaque, MACHINE_EXIT_OFF);
}

/* S3. The byte in the CMOS memory tells SeaBIOS, when it is woken, what the reset was for. */
static void suspend(void *opaque)
{
    struct board *b = opaque;

    if (!b->kernel)
        rtc_cmos_set(b->rtc, CMOS_RESET_CODE, CMOS_RESET_S3);
    log_msg(LOG_RESET, "S3 sleep");
    board_request(b, REQUEST_SLEEP);
}

static void wake(void *opaque)
{
    board_request(opaque, REQUEST_WAKE);
}

static void tray_moved(void *opaque, unsigned channel, unsigned unit, bool open)
{
    struct board *b = opaque;

    storage_tray_moved(b, b->ide, channel * 2 + unit, open);
}

static void rtc_alarm(void *opaque)
{
    struct board *b = opaque;

    if (b->pm)
        acpi_pm_rtc_alarm(b->pm);
}

/* To the bootstrap processor only: SeaBIOS relocates the SMBASE of no other, and the others, halted
 * by it, would run whatever lies at the default one. */
static void smi(void *opaque)
{
    struct board *b = opaque;

    cpu_set_event(b->cpu[0].cpu, EV_SMI);
    if (b->cpu[0].vcpu)
        vcpu_wake(b->cpu[0].vcpu);
}

/* Of one page, where there is no knowing what was made of it, forgets all. */
void board_flush_page(void *opaque, uint64_t gpa)
{
    struct board *b = opaque;
    struct cpu *self = b->current ? b->current->cpu : NULL;

    (void)gpa;
    for (unsigned n = 0; n < b->n_cpus; n++)
        cpu_set_event(b->cpu[n].cpu, EV_FLUSH);
    if (b->shadow)
        mmu_shadow_forget(b->shadow, self);
    else
        cpu_group_flush(b->group, self);
}

static void hpet_legacy(void *opaque, bool on)
{
    struct board *b = opaque;

    irq_mux_gate(&b->irq, 0, IRQ_CHIP, on);
    irq_mux_gate(&b->irq, 8, IRQ_CHIP, on);
}

/* ---- groups of chips ---- */

static bool build_memory(struct board *b, GError **err)
{
    if (!memory_init(&b->mem, b->cfg.ram_size, err))
        return false;
    b->dma = (struct dma_space){b, dma_read_ram, dma_write_ram};
    b->ports = bus_new("port", 0xffff);
    b->mmio = bus_new("memory", PHYS_LIMIT);
    return true;
}

/* RAM must lie where the processor's physical addresses reach. */
static bool check_reach(struct board *b, GError **err)
{
    uint64_t high = b->mem.ram.high_size, end = high ? (UINT64_C(1) << 32) + high : 0;
    unsigned bits = b->cpu[0].cpu->phys_bits;

    if (end <= UINT64_C(1) << bits)
        return true;
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_OPTION,
                "RAM ends at 0x%" PRIx64 ", beyond the %u physical address bits of the processor",
                end, bits);
    return false;
}

static bool build_apic(struct board *b, struct board_cpu *c, GError **err)
{
    struct apic_config cfg = {.bus = b->apic_bus,
                              .clock = b->clock,
                              .id = (uint8_t)c->cpu->id,
                              .bsp = c->cpu->id == 0,
                              .phys_bits = c->cpu->phys_bits,
                              .x2apic = c->cpu->features & FEAT(X2APIC),
                              .timer_hz = BOARD_APIC_HZ,
                              .opaque = c,
                              .notify = board_apic_notify,
                              .pic_ack = board_pic_ack,
                              .tsc_to_ns = board_tsc_to_ns};

    c->apic = apic_new(&cfg, err);
    return ADD(c->apic, apic_device);
}

static bool build_interrupts(struct board *b, GError **err)
{
    struct pic_config pic = {.ports = b->ports};
    struct apic_bus_config bus = {.mmio = b->mmio, .opaque = b, .current = board_current_apic};
    struct ioapic_config ioapic = {.mmio = b->mmio};

    b->apic_bus = apic_bus_new(&bus, err);
    if (!b->apic_bus)
        return false;
    ioapic.bus = b->apic_bus;
    for (unsigned n = 0; n < b->n_cpus; n++) {
        if (!build_apic(b, &b->cpu[n], err))
            return false;
    }
    pic.intr = apic_lint(b->cpu[0].apic, 0);
    b->pic = pic_new(&pic, err);
    b->ioapic = b->pic ? ioapic_new(&ioapic, err) : NULL;
    if (!ADD(b->pic, pic_device) || !ADD(b->ioapic, ioapic_device))
        return false;
    irq_mux_init(&b->irq, b->pic, b->ioapic);
    return true;
}

static bool build_pci(struct board *b, GError **err)
{
    struct pci_bus_config bus = {.ports = b->ports,
                                 .mmio = b->mmio,
                                 .dma = b->dma,
                                 .msi = {b, send_message},
                                 .ram = {b, bar_map, bar_unmap, bar_move}};
    struct i440fx_config host = {.ram_size = b->cfg.ram_size,
                                 .opaque = b,
                                 .pam_changed = pam_changed,
                                 .smram_changed = smram_changed};
    struct piix3_config isa = {.opaque = b, .reset = reset_asked};
    struct piix_ide_config ide = {
        .devfn = PCI_DEVFN(1, 1),
        .model = PIIX3_IDE,
        .ports = b->ports,
        .clock = b->clock,
        .irq = {irq_mux_input(&b->irq, 14, IRQ_CHIP), irq_mux_input(&b->irq, 15, IRQ_CHIP)},
        .tray_moved = tray_moved,
        .opaque = b};
    struct acpi_pm_config pm = {.ports = b->ports,
                                .clock = b->clock,
                                .sci = irq_mux_input(&b->irq, 9, IRQ_CHIP),
                                .opaque = b,
                                .power_off = power_off,
                                .suspend = suspend,
                                .wake = wake,
                                .smi = b->kernel ? NULL : smi};

    b->pci = pci_bus_new(&bus, err);
    if (!ADD(b->pci, pci_bus_device))
        return false;
    host.bus = isa.bus = ide.pci = pm.bus = b->pci;
    for (unsigned n = 0; n < 16; n++)
        isa.isa[n] = irq_mux_input(&b->irq, n, IRQ_PIRQ);
    b->host = i440fx_new(&host, err);
    b->isa = b->host ? piix3_new(&isa, err) : NULL;
    b->ide = b->isa ? piix_ide_new(&ide, err) : NULL;
    b->pm = b->ide ? acpi_pm_new(&pm, err) : NULL;
    return ADD(b->host, i440fx_device) && ADD(b->isa, piix3_device) &&
           ADD(b->ide, piix_ide_device) && ADD(b->pm, acpi_pm_device);
}

static bool build_timers(struct board *b, GError **err)
{
    struct pit_config pit = {.ports = b->ports,
                             .clock = b->clock,
                             .irq0 = irq_mux_input(&b->irq, 0, IRQ_CHIP),
                             .speaker = board_speaker_changed,
                             .speaker_opaque = b};
    int64_t base = b->cfg.rtc_given ? b->cfg.rtc_base
                   : b->cfg.icount  ? ICOUNT_RTC_BASE
                                    : rtc_host_time(b->cfg.rtc_local);
    struct rtc_config rtc = {.ports = b->ports,
                             .clock = b->clock,
                             .irq8 = irq_mux_input(&b->irq, 8, IRQ_CHIP),
                             .alarm = rtc_alarm,
                             .opaque = b,
                             .base = base};
    struct hpet_config hpet = {.mmio = b->mmio,
                               .clock = b->clock,
                               .irq0 = irq_mux_input(&b->irq, 0, IRQ_HPET),
                               .irq8 = irq_mux_input(&b->irq, 8, IRQ_HPET),
                               .opaque = b,
                               .legacy = hpet_legacy};

    for (unsigned n = 16; n < 24; n++)
        hpet.gsi[n] = irq_mux_input(&b->irq, n, IRQ_HPET);
    if (!b->cfg.no_pit) {
        b->pit = pit_new(&pit, err);
        if (!ADD(b->pit, pit_device))
            return false;
    }
    b->rtc = rtc_new(&rtc, err);
    b->hpet = b->rtc ? hpet_new(&hpet, err) : NULL;
    return ADD(b->rtc, rtc_device) && ADD(b->hpet, hpet_device);
}

/* ---- the PS/2 devices, as the router of input knows them ---- */

static void ps2_key(void *self, enum pkey key, bool down)
{
    ps2_kbd_key(self, key, down);
}

static bool ps2_taken(void *self)
{
    return ps2_kbd_taken(self);
}

static unsigned ps2_leds(void *self)
{
    return ps2_kbd_leds(self);
}

static void ps2_move(void *self, int dx, int dy)
{
    ps2_mouse_move(self, dx, dy);
}

static void ps2_wheel(void *self, int detents)
{
    ps2_mouse_wheel(self, detents);
}

static void ps2_buttons(void *self, unsigned held)
{
    ps2_mouse_buttons(self, held);
}

static void route_input(struct board *b)
{
    b->input = input_router_new();
    b->ps2_keys = (struct input_keyboard){.name = "PS/2 keyboard",
                                          .self = b->kbd,
                                          .key = ps2_key,
                                          .taken = ps2_taken,
                                          .leds = ps2_leds};
    b->ps2_pointer = (struct input_pointer){.name = "PS/2 mouse",
                                            .self = b->mouse,
                                            .move = ps2_move,
                                            .wheel = ps2_wheel,
                                            .buttons = ps2_buttons};
    input_router_add_keyboard(b->input, &b->ps2_keys);
    input_router_add_pointer(b->input, &b->ps2_pointer);
}

static bool build_input(struct board *b, GError **err)
{
    struct irq_line reset = {reset_line, b, 0};
    struct ps2_kbd_config kbd = {.clock = b->clock};
    struct ps2_mouse_config mouse = {.clock = b->clock};
    struct port92_config port92 = {.ports = b->ports, .a20 = {board_set_a20, b, 0}, .reset = reset};
    struct i8042_config kbc = {.ports = b->ports,
                               .clock = b->clock,
                               .irq1 = irq_mux_input(&b->irq, 1, IRQ_CHIP),
                               .irq12 = irq_mux_input(&b->irq, 12, IRQ_CHIP),
                               .reset = reset};

    b->kbd = ps2_kbd_new(&kbd);
    b->mouse = ps2_mouse_new(&mouse);
    if (!ADD(b->kbd, ps2_kbd_device) || !ADD(b->mouse, ps2_mouse_device))
        return false;
    route_input(b);
    b->port92 = port92_new(&port92, err);
    if (!ADD(b->port92, port92_device))
        return false;
    kbc.kbd = ps2_kbd_port(b->kbd);
    kbc.aux = ps2_mouse_port(b->mouse);
    kbc.a20 = port92_a20_input(b->port92);
    b->kbc = i8042_new(&kbc, err);
    return ADD(b->kbc, i8042_device);
}

static bool build_serial(struct board *b, GError **err)
{
    static const uint16_t base[MACHINE_MAX_SERIAL] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    static const unsigned irq[MACHINE_MAX_SERIAL] = {4, 3, 4, 3};

    for (unsigned n = 0; n < MACHINE_MAX_SERIAL; n++) {
        struct uart16550_config cfg = {
            .ports = b->ports,
            .base = base[n],
            .clock = b->clock,
            .irq = irq_mux_input(&b->irq, irq[n], n < 2 ? IRQ_CHIP : IRQ_CHIP2),
            .chr = b->cfg.serial[n]};
        struct uart16550 *u;

        if (!b->cfg.serial[n])
            continue;
        u = uart16550_new(&cfg, err);
        if (!ADD(u, uart16550_device))
            return false;
        b->chips |= (unsigned)ACPI_CHIP_COM1 << n;
    }
    return true;
}

static bool build_isa(struct board *b, GError **err)
{
    struct dma8237_config dma = {b->ports, &b->dma};
    struct coproc_error_config coproc = {.ports = b->ports,
                                         .irq13 = irq_mux_input(&b->irq, 13, IRQ_CHIP),
                                         .ignne = board_assert_ignne,
                                         .opaque = b};

    b->isa_dma = dma8237_new(&dma, err);
    if (!ADD(b->isa_dma, dma8237_device))
        return false;
    b->coproc_error = coproc_error_new(&coproc, err);
    return ADD(b->coproc_error, coproc_error_device);
}

static bool build_debug(struct board *b, GError **err)
{
    if (b->cfg.debugcon) {
        struct debugcon_config cfg = {b->ports, b->cfg.debugcon_base, b->cfg.debugcon};
        struct debugcon *d = debugcon_new(&cfg, err);

        if (!ADD(d, debugcon_device))
            return false;
    }
    if (b->cfg.port_e9) {
        struct debugcon_config cfg = {b->ports, 0xe9, b->cfg.port_e9};
        struct debugcon *d = debugcon_new(&cfg, err);

        if (!ADD(d, debugcon_device))
            return false;
    }
    return true;
}

static void log_framebuffer(void *opaque, bool on)
{
    struct board *b = opaque;
    size_t len;

    memory_bar_log(&b->mem, vga_vram(b->vga, &len), on);
}

static void harvest_framebuffer(void *opaque, uint64_t *pages)
{
    struct board *b = opaque;
    size_t len;
    void *vram = vga_vram(b->vga, &len);

    memory_bar_harvest(&b->mem, vram, len, pages);
}

static bool build_display(struct board *b, GError **err)
{
    struct vga_config cfg = {.clock = b->clock,
                             .port = b->ports,
                             .mmio = b->mmio,
                             .no_mmio = b->cfg.vga_no_mmio,
                             .log = {b, log_framebuffer, harvest_framebuffer}};

    if (b->cfg.no_vga)
        return true;
    b->vga = vga_new(&cfg, err);
    if (!ADD(b->vga, vga_device))
        return false;
    b->vgabios = firmware_load_rom(NULL, b->cfg.firmware_dir, err);
    if (!b->vgabios)
        return false;
    return vga_pci_attach(b->vga, b->pci, PCI_DEVFN(2, 0), b->vgabios->data, b->vgabios->size, err);
}

/* ---- firmware, or a kernel in its place ---- */

static bool build_firmware(struct board *b, GError **err)
{
    struct fw_cfg_config cfg = {.ports = b->ports, .dma = b->dma};
    struct firmware_cfg content = {.low_size = b->mem.ram.low_size,
                                   .high_size = b->mem.ram.high_size,
                                   .cpus = b->n_cpus,
                                   .max_cpus = b->cfg.max_cpus ? b->cfg.max_cpus : b->n_cpus,
                                   .graphic = !b->cfg.no_vga,
                                   .acpi = b->acpi,
                                   .smbios = b->smbios,
                                   .boot_menu = b->cfg.boot_menu,
                                   .boot_fail_wait_ms = -1};
    char *order = board_boot_order(b);
    bool ok;

    content.bootorder = order;
    b->fw_cfg = fw_cfg_new(&cfg, err);
    ok = ADD(b->fw_cfg, fw_cfg_device) && firmware_cfg_fill(b->fw_cfg, &content, err);
    g_free(order);
    return ok;
}

static void build_tables(struct board *b)
{
    struct acpi_config acpi = {.cpus = b->n_cpus,
                               .chips = b->chips | ACPI_CHIP_HPET,
                               .pci_hole_start = e820_pci_hole(b->mem.ram.low_size),
                               .pci64_base = 0,
                               .pci64_len = 0};
    unsigned per_socket = b->cfg.cores ? b->cfg.cores * b->cfg.threads : b->n_cpus;
    struct smbios_config smbios = {.cpu_vendor = b->cpu[0].cpu->vendor,
                                   .cpu_model = b->cpu[0].cpu->model->brand,
                                   .cpu_signature = cpuid_signature(b->cpu[0].cpu->model),
                                   .sockets = (b->n_cpus + per_socket - 1) / per_socket,
                                   .cores_per_socket = b->cfg.cores ? b->cfg.cores : b->n_cpus,
                                   .threads_per_socket = per_socket,
                                   .low_size = b->mem.ram.low_size,
                                   .high_size = b->mem.ram.high_size};

    b->acpi = acpi_build(&acpi);
    b->smbios = smbios_build(&smbios);
}

static bool load_guest(struct board *b, GError **err)
{
    struct cpu_spec spec;
    char word[64];
    bool known = cpu_spec_parse(b->cfg.cpu_model, &spec, word, sizeof(word)) == CPU_SPEC_OK;

    if (b->cfg.kernel) {
        struct kernel_boot_config cfg = {.kernel = b->cfg.kernel,
                                         .initrd = b->cfg.initrd,
                                         .append = b->cfg.append,
                                         .entry = LINUX_ENTRY_AUTO,
                                         .long_mode = known && (spec.features & FEAT(LM))};

        b->kernel = kernel_boot_load(&cfg, err);
        return b->kernel != NULL;
    }
    b->bios = firmware_load_bios(b->cfg.bios, b->cfg.firmware_dir, err);
    if (!b->bios)
        return false;
    return true;
}

bool board_build(struct board *b, GError **err)
{
    b->chips = 0;
    if (!load_guest(b, err) || !build_memory(b, err) || !board_cpus_new(b, err) ||
        !check_reach(b, err) || !build_interrupts(b, err) || !build_pci(b, err) ||
        !build_timers(b, err) || !build_isa(b, err) || !build_input(b, err) ||
        !build_serial(b, err) || !build_debug(b, err) || !build_display(b, err) ||
        !board_drives_open(b, err) || !storage_attach_ide(b, err) ||
        !storage_attach_floppies(b, err) || !board_open_network(b, err) ||
        !board_open_sound(b, err) || !board_build_speaker(b, err) || !board_build_devices(b, err) ||
        !board_build_virtio_drives(b, err) || !board_finish_network(b, err) ||
        !board_drives_check(b, err))
        return false;
    build_tables(b);
    if (b->bios)
        memory_set_bios(&b->mem, b->bios->data, b->bios->size);
    return build_firmware(b, err);
}

void board_destroy(struct board *b)
{
    lock_take(b->lock); /* what is under way ends before its devices do */
    if (b->blocks)
        block_engine_drain(b->blocks);
    while (b->n_devices)
        device_destroy(b->device[--b->n_devices]);
    board_drives_close(b);
    board_close_sound(b);
    lock_drop(b->lock);
    input_router_free(b->input);
    board_close_network(b);
    apic_bus_free(b->apic_bus);
    bus_free(b->ports);
    bus_free(b->mmio);
    board_cpus_free(b);
    memory_destroy(&b->mem);
    acpi_blobs_free(b->acpi);
    smbios_blobs_free(b->smbios);
    kernel_boot_free(b->kernel);
    firmware_free(b->bios);
    firmware_free(b->vgabios);
    while (b->n_boot)
        g_free(b->boot[--b->n_boot].path);
}

/* ---- reset ---- */

/* The CMOS bytes that SeaBIOS reads: memory sizes (RBIL CMOS list) and the boot order. */
static void set_cmos(struct board *b)
{
    uint64_t low = b->mem.ram.low_size, above1m = (low - 0x100000) >> 10, above16m;
    uint64_t high = b->mem.ram.high_size >> 16;
    const char *order = b->cfg.boot_order ? b->cfg.boot_order : b->fdc ? "cad" : "cd";
    unsigned nibbles = 0, floppies[2] = {0}, equipment = 0;

    for (unsigned n = 0; n < 2 && b->fdc; n++)
        floppies[n] = fdc_drive_type(b->fdc, n);
    if (floppies[0] || floppies[1])
        equipment = floppies[0] && floppies[1] ? 0x41 : 0x01;

    if (above1m > 0xffff)
        above1m = 0xffff;
    above16m = low > 0x1000000 ? (low - 0x1000000) >> 16 : 0;
    if (above16m > 0xffff)
        above16m = 0xffff;
    rtc_cmos_set(b->rtc, 0x10, (uint8_t)(floppies[0] << 4 | floppies[1]));
    rtc_cmos_set(b->rtc, 0x14, (uint8_t)(0x06 | equipment)); /* FPU and PS/2 mouse */
    rtc_cmos_set(b->rtc, 0x15, 640 & 0xff);
    rtc_cmos_set(b->rtc, 0x16, 640 >> 8);
    rtc_cmos_set(b->rtc, 0x17, (uint8_t)above1m);
    rtc_cmos_set(b->rtc, 0x18, (uint8_t)(above1m >> 8));
    rtc_cmos_set(b->rtc, 0x30, (uint8_t)above1m);
    rtc_cmos_set(b->rtc, 0x31, (uint8_t)(above1m >> 8));
    rtc_cmos_set(b->rtc, 0x34, (uint8_t)above16m);
    rtc_cmos_set(b->rtc, 0x35, (uint8_t)(above16m >> 8));
    rtc_cmos_set(b->rtc, 0x5b, (uint8_t)high);
    rtc_cmos_set(b->rtc, 0x5c, (uint8_t)(high >> 8));
    rtc_cmos_set(b->rtc, 0x5d, (uint8_t)(high >> 16));
    rtc_cmos_set(b->rtc, 0x5f, (uint8_t)(b->n_cpus - 1)); /* further processors */
    for (unsigned n = 0; n < 3 && order[n]; n++) {
        unsigned dev = order[n] == 'a' ? 1 : order[n] == 'c' ? 2 : order[n] == 'd' ? 3 : 4;

        nibbles |= dev << (4 * n);
    }
    rtc_cmos_set(b->rtc, 0x3d, (uint8_t)nibbles);
    rtc_cmos_set(b->rtc, 0x38,
                 (uint8_t)((nibbles >> 8) << 4 | 1)); /* and no floppy signature check */
}

/* What firmware would have done. */
static void set_up_chips(struct board *b)
{
    static const uint8_t routes[4] = {10, 10, 11, 11};
    struct pci_windows pci = {.mem = e820_pci_hole(b->mem.ram.low_size),
                              .mem_end = 0xfec00000, /* the I/O APIC */
                              .io = 0xc000,
                              .io_end = 0x10000,
                              .irq = {10, 10, 11, 11}};

    for (unsigned n = 0; n < b->n_devices; n++)
        device_trust(b->device[n]);
    i440fx_open_shadow(b->host);
    piix3_set_routes(b->isa, routes);
    bus_write(b->ports, 0x4d1, 0x0c, 1); /* interrupts 10 and 11 are levels */
    bus_write(b->ports, 0xd6, 0xc0, 1);  /* DMA channel 4 lets the first four through */
    bus_write(b->ports, 0xd4, 0x00, 1);
    acpi_pm_set_bases(b->pm);
    piix_ide_enable(b->ide);
    pci_assign(b->pci, &pci);
    apic_set_virtual_wire(b->cpu[0].apic);
    if (b->vga)
        vga_boot_text_mode(b->vga, b->vgabios->data, b->vgabios->size);
}

static bool start_kernel(struct board *b, GError **err)
{
    struct kernel_entry entry;

    set_up_chips(b);
    if (!kernel_boot_place(b->kernel, &b->mem.ram, b->acpi, b->smbios, b->chips, &entry, err))
        return false;
    board_cpu_enter(b, &entry);
    return true;
}

static void reset_chips(struct board *b)
{
    block_engine_drain(b->blocks);
    irq_mux_reset(&b->irq);
    for (unsigned n = 0; n < b->n_devices; n++)
        device_reset(b->device[n]);
    board_cpus_reset(b);
    set_cmos(b);
}

bool board_reset(struct board *b, GError **err)
{
    if (acpi_pm_asleep(b->pm)) /* and not to go on from there */
        rtc_cmos_set(b->rtc, CMOS_RESET_CODE, 0);
    reset_chips(b);
    log_msg(LOG_RESET, "reset");
    return b->kernel ? start_kernel(b, err) : true;
}

/* The host bridge keeps the memory alive, and with that who answers where (the PAM registers):
 * SeaBIOS goes on from its copy in RAM. */
bool board_wake(struct board *b, GError **err)
{
    enum { PAM = 0x58, PAM_WORDS = 2, HOST = PCI_DEVFN(0, 0) };
    uint16_t status = acpi_pm_wake_status(b->pm);
    struct kernel_entry entry;
    uint32_t pam[PAM_WORDS];

    if (b->kernel && !kernel_boot_resume(&b->mem.ram, b->acpi, b->smbios, &entry))
        return board_reset(b, err);
    for (unsigned k = 0; k < PAM_WORDS; k++)
        pam[k] = pci_config_read(b->pci, 0, HOST, PAM + 4 * k, 4);
    reset_chips(b);
    log_msg(LOG_RESET, "woken from S3");
    for (unsigned k = 0; k < PAM_WORDS; k++)
        pci_config_write(b->pci, 0, HOST, PAM + 4 * k, pam[k], 4);
    if (b->kernel) {
        set_up_chips(b);
        board_cpu_enter(b, &entry);
    }
    acpi_pm_woken(b->pm, status);
    return true;
}
