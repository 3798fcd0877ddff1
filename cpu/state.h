/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole architectural state of a vCPU as one plain structure: what snapshots hold, what moves
 * between engines, what debuggers show. Little-endian, fixed layout, no pointers. Fields are only
 * ever added, at the end, with a new version.
 */
#ifndef CPU_STATE_H
#define CPU_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/x86.h"

struct cpu;

#define X86_STATE_VERSION 3

struct x86_state_segment {
    uint64_t base;
    uint32_t limit;
    uint16_t sel;
    uint16_t attr; /* SEG_*; without SEG_P: unusable */
};

struct x86_state_table {
    uint64_t base;
    uint32_t limit;
    uint32_t reserved;
};

struct x86_state {
    uint32_t version;
    uint32_t size;        /* sizeof(struct x86_state) of the writer */
    uint64_t features[2]; /* the word of features.h, low half first */

    uint64_t gpr[16];
    uint64_t rip;
    uint64_t rflags;
    struct x86_state_segment seg[SEG_COUNT];
    struct x86_state_table gdtr, idtr;
    uint64_t cr0, cr2, cr3, cr4, efer;
    uint64_t pdpte[4];
    uint64_t dr[4], dr6, dr7;

    uint8_t st[8][16]; /* ST(0)..ST(7) as FXSAVE lays them out */
    uint64_t fip, fdp;
    uint16_t fcw, fsw, fop, fcs, fds; /* fsw with TOP */
    uint8_t ftags;                    /* abridged */
    uint8_t ferr, ignne;
    uint8_t pad0[3];
    uint32_t mxcsr;
    uint32_t pad1;
    uint8_t ymm[16][32]; /* XMM registers are the lower halves */

    uint64_t star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t tsc, tsc_adjust;
    uint64_t pat, misc_enable, spec_ctrl, feature_control;
    uint64_t mtrr_def_type, mtrr_fixed[11], mtrr_var[16];
    uint64_t mcg_status, mcg_ctl, mc_ctl[4];
    uint64_t smbase;

    uint64_t pending_db;
    uint32_t events; /* EV_NMI, EV_SMI, EV_INIT, EV_SIPI that wait */
    uint32_t exc_error;
    uint8_t exc_pending, exc_vector, exc_kind, exc_has_error;
    uint8_t inhibit; /* INHIBIT_* */
    uint8_t halted, wait_sipi, nmi_blocked, in_smm, shutdown, sipi_vector;
    uint8_t cpl;
    uint32_t pkru;
    uint64_t xcr0, xss;
};

/* Between runs of the vCPU only. */
void cpu_get_state(const struct cpu *cpu, struct x86_state *s);

/* False, and nothing changed, when the version or what the state says is not possible on this vCPU.
 * The board's view of SMM is the caller's business. */
bool cpu_set_state(struct cpu *cpu, const struct x86_state *s);

#endif
