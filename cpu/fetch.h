/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translation for instruction fetch, and what decoded code asks of the TLB (access.c). */
#ifndef CPU_FETCH_H
#define CPU_FETCH_H

#include "cpu/cpu.h"

/* Physical address to fetch the byte at `lin` from; raises #PF, or #GP for a non-canonical address.
 * The second form also gives the host address of the page's start (NULL: not RAM). */
gpa_t fetch_translate(struct cpu *cpu, gva_t lin);
gpa_t fetch_translate_page(struct cpu *cpu, gva_t lin, const uint8_t **page);

/* Recomputes cpu.tlb_key from the privilege context. */
void tlb_sync_key(struct cpu *cpu);

/* What the TLB has of these frames allows no store without a look any more: see page_track.h. */
void tlb_protect_pages(struct cpu *cpu, const gfn_t *gfn, unsigned n);

#endif
