/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole machine: configuration in, a running PC, and how it ended. The board itself is in pc.c;
 * this file and machine.c are its life: threads, timers, reset, the end.
 *
 * Locking: the device lock (machine_lock) covers every device, bus, timer and backend. vCPUs take
 * it inside their hooks, the main thread around timers and backends. It is never held while a vCPU
 * runs.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "backends/block.h"

#define MACHINE_MAX_SERIAL    4
#define MACHINE_IDE_DRIVES    4
#define MACHINE_MAX_DRIVES    32
#define MACHINE_MAX_CPUS      32
#define MACHINE_MAX_DEVICES   64 /* by -device */
#define MACHINE_MAX_NETDEVS   16
#define MACHINE_MAX_NETDUMPS  16
#define MACHINE_MAX_CHARDEVS  16
#define MACHINE_MAX_AUDIODEVS 16

#define ICOUNT_MAX_SHIFT 10
#define ICOUNT_RTC_BASE  INT64_C(1767225600) /* the first of January 2026 */

struct machine;
struct vga;
struct chardev;
struct device_config;
struct lock;
struct netdev_config;
struct netdump_config;
struct audiodev_config;
struct audio_driver;

enum machine_interface {
    MACHINE_IF_IDE,
    MACHINE_IF_NONE, /* for the device that names its id */
    MACHINE_IF_VIRTIO,
    MACHINE_IF_FLOPPY,
    MACHINE_IF_PFLASH, /* index 0 and 1: firmware's flash chips */
};

/* The first MACHINE_IDE_DRIVES of a configuration are the places on the IDE cables (channel n / 2,
 * unit n % 2); all others of those that follow are in no order. */
struct machine_drive {
    const char *file; /* NULL: nothing in this place (cd: an empty drive) */
    bool present;
    bool cd;
    bool readonly;
    bool snapshot; /* writes are thrown away */
    enum machine_interface interface;
    unsigned index;     /* among those of its interface */
    const char *id;     /* or NULL */
    const char *serial; /* that the guest sees; NULL: the device's own idea */
    const char *format; /* as block_spec has it; NULL: what the file seems to be */
    enum block_cache cache;
    bool discard; /* what the guest discards is given back to the host */
    enum block_error_policy read_error, write_error;
};

/* A character backend for the device that names it. */
struct machine_chardev {
    const char *id;
    struct chardev *chr;
};

struct machine_config {
    const char *name;
    struct lock *lock; /* the device lock, the caller's: backends need it before the machine does */
    uint64_t ram_size; /* bytes, a multiple of 1 MiB, 1 MiB .. 512 GiB */
    const char *cpu_model;
    unsigned cpus;           /* up to MACHINE_MAX_CPUS; 0: one */
    unsigned max_cpus;       /* that firmware is told of; 0: as many as there are */
    unsigned cores, threads; /* in a package, in a core; powers of two but for the cores of the one
                                package that there is; 0: all are cores of one */
    const char *accel;       /* "interp" */
    const char *mmu;         /* "walk" or "shadow"; NULL: the latter */
    unsigned audit_every;    /* mmu=shadow: misses in a vCPU's TLB from one check of all its
                                invariants to the next; 0: as built (never, in a release) */
    const char *bios, *firmware_dir; /* NULL: Debian's SeaBIOS, unless flash chip 0 is there */
    const char *pflash[2]; /* ids of drives (MACHINE_IF_NONE) that are those chips; or NULL */
    const char *kernel, *initrd, *append;
    struct machine_drive drive[MACHINE_MAX_DRIVES];
    const char *boot_order; /* letters of "acdn" as -boot has them; NULL: "cd" */
    bool boot_menu;
    struct chardev *serial[MACHINE_MAX_SERIAL]; /* NULL: no such port; owned by the caller */
    struct chardev *debugcon;                   /* port debugcon_base; may be NULL */
    uint16_t debugcon_base;
    struct chardev *port_e9;
    const struct device_config *device[MACHINE_MAX_DEVICES]; /* added to the board; the caller's */
    unsigned n_devices;
    /* networks, and captures of them; the caller's */
    const struct netdev_config *netdev[MACHINE_MAX_NETDEVS];
    unsigned n_netdevs;
    const struct netdump_config *netdump[MACHINE_MAX_NETDUMPS];
    unsigned n_netdumps;
    struct machine_chardev chardev[MACHINE_MAX_CHARDEVS]; /* the caller's */
    unsigned n_chardevs;
    /* Sound: backends, the caller's; the id of that for devices which name none and for the
     * loudspeaker, or NULL; and of one for the loudspeaker alone. */
    const struct audiodev_config *audiodev[MACHINE_MAX_AUDIODEVS];
    unsigned n_audiodevs;
    const char *audio_default, *speaker_audiodev;
    const struct audio_driver *audio_sdl; /* backends/audio_sdl.h; NULL in programs without it */
    bool no_reboot;                       /* a guest reset ends the machine */
    bool rtc_local;                       /* the RTC shows local time */
    bool rtc_given;   /* the RTC begins with rtc_base, not with the host's time */
    int64_t rtc_base; /* seconds since 1970 */
    /* Time is counted in instructions, 1 << icount_shift nanoseconds each, and the guest always
     * does the same: docs/determinism.md. Where all processors wait, time goes by as the host's,
     * or, with icount_jumps, at once. The RTC begins at ICOUNT_RTC_BASE unless rtc_given. */
    bool icount, icount_jumps;
    unsigned icount_shift; /* up to ICOUNT_MAX_SHIFT */
    bool no_vga;
    const struct device_config *vga; /* what is said of display adapters, of kind "VGA"; NULL:
                                        nothing. The caller's */
    bool no_pit;
    bool usb;              /* the south bridge has a USB controller */
    bool profile;          /* see machine_write_profile */
    unsigned ring;         /* instructions of each vCPU that are remembered for … */
    const char *ring_file; /* … this file, written at a triple fault, by machine_dump, or else at
                              the end; NULL with ring 0 */
    bool start_paused;     /* machine_start leaves it as machine_pause does */
    /* Called on the main thread when the machine is over; machine_exit_status then says how. */
    void (*ended)(void *opaque);
    void *opaque;
};

/* Exit statuses of the process, as docs/exit-status.md has them; isa-debug-exit adds odd ones. */
enum {
    MACHINE_EXIT_OFF = 0,
    MACHINE_EXIT_TRIPLE_FAULT = 3, /* with no_reboot */
    MACHINE_EXIT_RESET = 4,        /* with no_reboot */
};

/* Builds the machine; nothing runs yet. NULL with one clear error. Main thread. */
struct machine *machine_new(const struct machine_config *cfg, GError **err);
void machine_free(struct machine *m);

/* Starts the vCPUs. Needs the default GLib main loop to run on this thread. False with an error
 * when the kernel cannot be placed. */
bool machine_start(struct machine *m, GError **err);

/* Asks the machine to end with `status`; ended() follows. Any thread; the first request wins. */
void machine_quit(struct machine *m, int status);

/* Asks for a reset, as its button would. Any thread. */
void machine_reset(struct machine *m);

/* Pausing: every vCPU stands between two instructions, outside guest mode, and time stands still.
 * What is asked of the machine meanwhile (a reset, the end, machine_while_stopped) is done, and a
 * reset leaves it paused. machine_pause returns when it is so, or another thread has
 * resumed it or the machine is ending; machine_ask_pause at once. Pausing what is paused, and
 * resuming what is not, does nothing. The machine has been started. Any thread; machine_pause and
 * machine_resume not on a vCPU's and without the device lock. */
void machine_pause(struct machine *m);
void machine_ask_pause(struct machine *m);
void machine_resume(struct machine *m);
bool machine_paused(struct machine *m);

/* What it does. Any thread. */
enum machine_run_state {
    RUN_STATE_RUNS,
    RUN_STATE_PAUSED,   /* by whoever asked for it */
    RUN_STATE_DEBUGGED, /* paused, by a vCPU that has something to tell its debugger */
    RUN_STATE_ASLEEP,   /* in S3, and not paused */
    RUN_STATE_ENDS,     /* machine_exit_status says how */
};
enum machine_run_state machine_run_state(struct machine *m);

/* Wakes a machine that sleeps in S3, whatever the guest wants to be woken by; it takes that for its
 * power button. False when it does not sleep. Any thread, without the device lock. */
bool machine_wake(struct machine *m);

/* A machine whose time is counted is paused, as by machine_ask_pause, when its clock comes to `ns`,
 * before another instruction begins: at the same one in each run. Replaces what was asked before.
 * Any thread but a vCPU's, without the device lock; the machine is paused, or has not started. */
void machine_pause_at(struct machine *m, int64_t ns);

/* A machine is paused, as by machine_ask_pause, when its vCPUs have begun `total` instructions in
 * all, or a few thousand more, however slow its host; UINT64_MAX: never. Replaces what was asked
 * before, and is done once. Needs vCPUs with rings, and time that is not counted. Any thread. */
void machine_pause_after(struct machine *m, uint64_t total);

/* As machine_resume, but only for vCPUs n whose bit n is set in `cpus`: the others stand until the
 * next resume of either kind. */
void machine_resume_some(struct machine *m, uint64_t cpus);

/* A vCPU that has something to tell its debugger (cpu/debugger.h) pauses the machine as
 * machine_ask_pause does: whoever listens for MACHINE_EVENT_PAUSED asks each vCPU with
 * debugger_take what it was. */

/* What front ends may want to be told. */
enum machine_event {
    MACHINE_EVENT_PAUSED,
    MACHINE_EVENT_RESUMED,
    MACHINE_EVENT_RESET,       /* it has been done */
    MACHINE_EVENT_POWERDOWN,   /* the power button was pressed */
    MACHINE_EVENT_SUSPEND,     /* it sleeps (S3) */
    MACHINE_EVENT_WAKEUP,      /* and does no more; a reset in its sleep is only that */
    MACHINE_EVENT_TRAY,        /* the tray of a CD drive was opened or closed, by whomever */
    MACHINE_EVENT_IMAGE_ERROR, /* of a drive */
    MACHINE_EVENT_END,         /* machine_exit_status says how */
};

struct machine_note {
    enum machine_event event;
    bool guest;      /* it was the guest's doing */
    int64_t real_us; /* when: microseconds since 1970 */
    unsigned drive;  /* of the two below: which, as machine_config.drive */
    bool tray_open;  /* MACHINE_EVENT_TRAY */
    /* MACHINE_EVENT_IMAGE_ERROR: */
    bool reading;
    int err;                        /* -errno */
    enum block_error_policy policy; /* what is done about it */
};

/* Calls fn on the main thread, without locks, for each event from now on, in their order. Main
 * thread, before machine_start; there is no taking it back. */
void machine_listen(struct machine *m, void (*fn)(void *opaque, const struct machine_note *note),
                    void *opaque);

/* How it ended; -1 while nobody has asked for the end. Any thread. */
int machine_exit_status(const struct machine *m);

/* Calls fn while every vCPU stands between two instructions, outside guest mode, with the device
 * lock held; returns when it has. False when the machine ends first: then fn is not called. The
 * machine has been started. Any thread but a vCPU's, without the device lock; not from within fn.
 */
bool machine_while_stopped(struct machine *m, void (*fn)(void *opaque), void *opaque);

/* Where keys and the pointer go (devices/input/input_router.h); its calls want the device lock. */
struct input_router;
struct input_router *machine_input(struct machine *m);
struct vga *machine_vga(struct machine *m);

/* The power button. It takes the device lock itself. Any thread. */
void machine_power_button(struct machine *m);

/* An NMI for every processor. Any thread. */
void machine_nmi(struct machine *m);

/* The VGA text screen in UTF-8; g_free it. Takes the device lock. */
char *machine_screen_text(struct machine *m);

/* vCPU n of machine_cpus(m). Its state may be looked at while it is stopped. */
struct cpu;
unsigned machine_cpus(const struct machine *m);
struct cpu *machine_cpu(struct machine *m, unsigned n);

/* The host's number for that vCPU's thread; 0 before it was started. Any thread,
 * but for the moment when it is. */
int machine_cpu_thread(const struct machine *m, unsigned n);

/* Registers of all vCPUs, to stderr. Best while they are stopped. */
void machine_dump(struct machine *m);

/* Guest instructions begun so far, by all vCPUs. Exact while they are stopped. */
uint64_t machine_instructions(const struct machine *m);

/* SHA-256 over the machine's memory, its vCPUs' architectural state and virtual time, in
 * hexadecimal; g_free it. The same for machines in the same state, whatever the MMU, on any host.
 * While the vCPUs stand. */
char *machine_state_hash(struct machine *m);

/* The machine's clock: nanoseconds it has run since it was built. Never goes back. Any thread. */
int64_t machine_time(const struct machine *m);

/* What has been counted so far, over all vCPUs. */
struct machine_counters {
    int64_t time_ns; /* of the machine's clock */
    uint64_t instructions;
    uint64_t tlb_fills, walks, blocks, smc;
    bool has_shadow; /* mmu=shadow; then: */
    uint64_t shadow_fills, prefetched, pages_made, pages_zapped, tracked_writes, syncs, flushes;
    bool has_io;           /* the device lock could be had; then: */
    uint64_t disk;         /* requests to all images that are in; less when one was taken out */
    uint64_t sent, passed; /* frames that adapters sent to their networks, and got from there */
    uint64_t sound;        /* frames that were heard, as machine_sound_frames */
};

/* A look at them while the machine runs: no vCPU is stopped, so they are not of one moment. Waits
 * only for a copy under the MMU's lock, and for the device lock no longer than 2 ms: has_io is then
 * false. Any thread but a vCPU's, without the device lock. */
void machine_count(struct machine *m, struct machine_counters *out);

/* What the MMU and the block cache counted, all vCPUs together, as lines of text for a person,
 * without newlines. The vCPUs have stopped. */
void machine_print_stats(struct machine *m, void (*line)(void *opaque, const char *text),
                         void *opaque);

/* With profile configured: what the guest's code was at (profile.h), into a file. False with an
 * error that names it. The vCPUs have stopped. */
bool machine_write_profile(struct machine *m, const char *path, GError **err);

#endif
