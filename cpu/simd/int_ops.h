/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The integer operations that MMX, SSE and AVX2 have in common, for who makes handlers of them:
 * X(name, on 128 bits, intrinsic on 256). SDM volume 1, 9.4, 11.4.3, 12.5, 12.10 and 14.7.
 */
#ifndef CPU_SIMD_INT_OPS_H
#define CPU_SIMD_INT_OPS_H

/* dest := op(first, second), the same on the lower half alone. */
#define SIMD_INT_OPS(X)                                                                            \
    X(paddb, _mm_add_epi8, _mm256_add_epi8)                                                        \
    X(paddw, _mm_add_epi16, _mm256_add_epi16)                                                      \
    X(paddd, _mm_add_epi32, _mm256_add_epi32)                                                      \
    X(paddq, _mm_add_epi64, _mm256_add_epi64)                                                      \
    X(paddsb, _mm_adds_epi8, _mm256_adds_epi8)                                                     \
    X(paddsw, _mm_adds_epi16, _mm256_adds_epi16)                                                   \
    X(paddusb, _mm_adds_epu8, _mm256_adds_epu8)                                                    \
    X(paddusw, _mm_adds_epu16, _mm256_adds_epu16)                                                  \
    X(psubb, _mm_sub_epi8, _mm256_sub_epi8)                                                        \
    X(psubw, _mm_sub_epi16, _mm256_sub_epi16)                                                      \
    X(psubd, _mm_sub_epi32, _mm256_sub_epi32)                                                      \
    X(psubq, _mm_sub_epi64, _mm256_sub_epi64)                                                      \
    X(psubsb, _mm_subs_epi8, _mm256_subs_epi8)                                                     \
    X(psubsw, _mm_subs_epi16, _mm256_subs_epi16)                                                   \
    X(psubusb, _mm_subs_epu8, _mm256_subs_epu8)                                                    \
    X(psubusw, _mm_subs_epu16, _mm256_subs_epu16)                                                  \
    X(pmullw, _mm_mullo_epi16, _mm256_mullo_epi16)                                                 \
    X(pmulhw, _mm_mulhi_epi16, _mm256_mulhi_epi16)                                                 \
    X(pmulhuw, _mm_mulhi_epu16, _mm256_mulhi_epu16)                                                \
    X(pmuludq, _mm_mul_epu32, _mm256_mul_epu32)                                                    \
    X(pmaddwd, _mm_madd_epi16, _mm256_madd_epi16)                                                  \
    X(psadbw, _mm_sad_epu8, _mm256_sad_epu8)                                                       \
    X(pavgb, _mm_avg_epu8, _mm256_avg_epu8)                                                        \
    X(pavgw, _mm_avg_epu16, _mm256_avg_epu16)                                                      \
    X(pmaxub, _mm_max_epu8, _mm256_max_epu8)                                                       \
    X(pmaxsw, _mm_max_epi16, _mm256_max_epi16)                                                     \
    X(pminub, _mm_min_epu8, _mm256_min_epu8)                                                       \
    X(pminsw, _mm_min_epi16, _mm256_min_epi16)                                                     \
    X(pcmpeqb, _mm_cmpeq_epi8, _mm256_cmpeq_epi8)                                                  \
    X(pcmpeqw, _mm_cmpeq_epi16, _mm256_cmpeq_epi16)                                                \
    X(pcmpeqd, _mm_cmpeq_epi32, _mm256_cmpeq_epi32)                                                \
    X(pcmpgtb, _mm_cmpgt_epi8, _mm256_cmpgt_epi8)                                                  \
    X(pcmpgtw, _mm_cmpgt_epi16, _mm256_cmpgt_epi16)                                                \
    X(pcmpgtd, _mm_cmpgt_epi32, _mm256_cmpgt_epi32)                                                \
    X(pand, _mm_and_si128, _mm256_and_si256)                                                       \
    X(pandn, _mm_andnot_si128, _mm256_andnot_si256)                                                \
    X(por, _mm_or_si128, _mm256_or_si256)                                                          \
    X(pxor, _mm_xor_si128, _mm256_xor_si256)

/* Shifts of every element by the source's low 64 bits, or by an immediate. */
#define SIMD_SHIFT_OPS(X)                                                                          \
    X(psllw, _mm_sll_epi16, _mm256_sll_epi16)                                                      \
    X(pslld, _mm_sll_epi32, _mm256_sll_epi32)                                                      \
    X(psllq, _mm_sll_epi64, _mm256_sll_epi64)                                                      \
    X(psrlw, _mm_srl_epi16, _mm256_srl_epi16)                                                      \
    X(psrld, _mm_srl_epi32, _mm256_srl_epi32)                                                      \
    X(psrlq, _mm_srl_epi64, _mm256_srl_epi64)                                                      \
    X(psraw, _mm_sra_epi16, _mm256_sra_epi16)                                                      \
    X(psrad, _mm_sra_epi32, _mm256_sra_epi32)

/* What SSSE3 adds, which MMX got as well; MMX has those across elements in a way of its own. Narrow
 * ones: portable_int.h. */
#define SIMD_SSSE3_OPS(X)                                                                          \
    X(pmaddubsw, maddubs_epi16, _mm256_maddubs_epi16)                                              \
    X(pmulhrsw, mulhrs_epi16, _mm256_mulhrs_epi16)                                                 \
    X(psignb, sign_epi8, _mm256_sign_epi8)                                                         \
    X(psignw, sign_epi16, _mm256_sign_epi16)                                                       \
    X(psignd, sign_epi32, _mm256_sign_epi32)

#define SIMD_HORIZONTAL_OPS(X)                                                                     \
    X(phaddw, hadd_epi16, _mm256_hadd_epi16)                                                       \
    X(phaddd, hadd_epi32, _mm256_hadd_epi32)                                                       \
    X(phaddsw, hadds_epi16, _mm256_hadds_epi16)                                                    \
    X(phsubw, hsub_epi16, _mm256_hsub_epi16)                                                       \
    X(phsubd, hsub_epi32, _mm256_hsub_epi32)                                                       \
    X(phsubsw, hsubs_epi16, _mm256_hsubs_epi16)

/* Of one operand. */
#define SIMD_ABS_OPS(X)                                                                            \
    X(pabsb, abs_epi8, _mm256_abs_epi8)                                                            \
    X(pabsw, abs_epi16, _mm256_abs_epi16)                                                          \
    X(pabsd, abs_epi32, _mm256_abs_epi32)

/* SSE4.1's, and SSE4.2's PCMPGTQ. */
#define SIMD_SSE4_OPS(X)                                                                           \
    X(pmuldq, mul_epi32, _mm256_mul_epi32)                                                         \
    X(pmulld, mullo_epi32, _mm256_mullo_epi32)                                                     \
    X(pminsb, min_epi8, _mm256_min_epi8)                                                           \
    X(pminsd, min_epi32, _mm256_min_epi32)                                                         \
    X(pminuw, min_epu16, _mm256_min_epu16)                                                         \
    X(pminud, min_epu32, _mm256_min_epu32)                                                         \
    X(pmaxsb, max_epi8, _mm256_max_epi8)                                                           \
    X(pmaxsd, max_epi32, _mm256_max_epi32)                                                         \
    X(pmaxuw, max_epu16, _mm256_max_epu16)                                                         \
    X(pmaxud, max_epu32, _mm256_max_epu32)                                                         \
    X(pcmpeqq, cmpeq_epi64, _mm256_cmpeq_epi64)                                                    \
    X(pcmpgtq, cmpgt_epi64, _mm256_cmpgt_epi64)                                                    \
    X(packusdw, packus_epi32, _mm256_packus_epi32)

/* Widening moves: X(name, narrow, wide, which part of the result the source is: half, quarter,
 * eighth, as the letter of its operand code). */
#define SIMD_WIDEN_OPS(X)                                                                          \
    X(pmovsxbw, cvtepi8_epi16, _mm256_cvtepi8_epi16, h)                                            \
    X(pmovsxbd, cvtepi8_epi32, _mm256_cvtepi8_epi32, f)                                            \
    X(pmovsxbq, cvtepi8_epi64, _mm256_cvtepi8_epi64, e)                                            \
    X(pmovsxwd, cvtepi16_epi32, _mm256_cvtepi16_epi32, h)                                          \
    X(pmovsxwq, cvtepi16_epi64, _mm256_cvtepi16_epi64, f)                                          \
    X(pmovsxdq, cvtepi32_epi64, _mm256_cvtepi32_epi64, h)                                          \
    X(pmovzxbw, cvtepu8_epi16, _mm256_cvtepu8_epi16, h)                                            \
    X(pmovzxbd, cvtepu8_epi32, _mm256_cvtepu8_epi32, f)                                            \
    X(pmovzxbq, cvtepu8_epi64, _mm256_cvtepu8_epi64, e)                                            \
    X(pmovzxwd, cvtepu16_epi32, _mm256_cvtepu16_epi32, h)                                          \
    X(pmovzxwq, cvtepu16_epi64, _mm256_cvtepu16_epi64, f)                                          \
    X(pmovzxdq, cvtepu32_epi64, _mm256_cvtepu32_epi64, h)

/* Interleaving and packing; MMX has its own way, since half of a register is half of the result. */
#define SIMD_PACK_OPS(X)                                                                           \
    X(punpcklbw, _mm_unpacklo_epi8, _mm256_unpacklo_epi8)                                          \
    X(punpcklwd, _mm_unpacklo_epi16, _mm256_unpacklo_epi16)                                        \
    X(punpckldq, _mm_unpacklo_epi32, _mm256_unpacklo_epi32)                                        \
    X(punpcklqdq, _mm_unpacklo_epi64, _mm256_unpacklo_epi64)                                       \
    X(punpckhbw, _mm_unpackhi_epi8, _mm256_unpackhi_epi8)                                          \
    X(punpckhwd, _mm_unpackhi_epi16, _mm256_unpackhi_epi16)                                        \
    X(punpckhdq, _mm_unpackhi_epi32, _mm256_unpackhi_epi32)                                        \
    X(punpckhqdq, _mm_unpackhi_epi64, _mm256_unpackhi_epi64)                                       \
    X(packsswb, _mm_packs_epi16, _mm256_packs_epi16)                                               \
    X(packssdw, _mm_packs_epi32, _mm256_packs_epi32)                                               \
    X(packuswb, _mm_packus_epi16, _mm256_packus_epi16)

#endif
