//! The registers after work with keys: the vector registers would keep round keys and halves of keys
//! until somebody else happens to use them, and the kernel stores them in every signal frame.

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86 {
    use std::arch::asm;

    #[inline]
    pub(in super::super) fn clear() {
        if std::arch::is_x86_feature_detected!("avx512vl") {
            // Written as idioms that the processor's renaming does for nothing; vzeroall would take as
            // long as all of them.
            // SAFETY: AVX-512VL has been seen; every register that changes is one that a call may
            // change, and is named so.
            unsafe {
                asm!(
                    "vpxor xmm0, xmm0, xmm0",
                    "vpxor xmm1, xmm1, xmm1",
                    "vpxor xmm2, xmm2, xmm2",
                    "vpxor xmm3, xmm3, xmm3",
                    "vpxor xmm4, xmm4, xmm4",
                    "vpxor xmm5, xmm5, xmm5",
                    "vpxor xmm6, xmm6, xmm6",
                    "vpxor xmm7, xmm7, xmm7",
                    "vpxor xmm8, xmm8, xmm8",
                    "vpxor xmm9, xmm9, xmm9",
                    "vpxor xmm10, xmm10, xmm10",
                    "vpxor xmm11, xmm11, xmm11",
                    "vpxor xmm12, xmm12, xmm12",
                    "vpxor xmm13, xmm13, xmm13",
                    "vpxor xmm14, xmm14, xmm14",
                    "vpxor xmm15, xmm15, xmm15",
                    "vpxorq xmm16, xmm16, xmm16",
                    "vpxorq xmm17, xmm17, xmm17",
                    "vpxorq xmm18, xmm18, xmm18",
                    "vpxorq xmm19, xmm19, xmm19",
                    "vpxorq xmm20, xmm20, xmm20",
                    "vpxorq xmm21, xmm21, xmm21",
                    "vpxorq xmm22, xmm22, xmm22",
                    "vpxorq xmm23, xmm23, xmm23",
                    "vpxorq xmm24, xmm24, xmm24",
                    "vpxorq xmm25, xmm25, xmm25",
                    "vpxorq xmm26, xmm26, xmm26",
                    "vpxorq xmm27, xmm27, xmm27",
                    "vpxorq xmm28, xmm28, xmm28",
                    "vpxorq xmm29, xmm29, xmm29",
                    "vpxorq xmm30, xmm30, xmm30",
                    "vpxorq xmm31, xmm31, xmm31",
                    "vzeroupper",
                    "xor eax, eax",
                    "xor ecx, ecx",
                    "xor edx, edx",
                    "xor esi, esi",
                    "xor edi, edi",
                    "xor r8d, r8d",
                    "xor r9d, r9d",
                    "xor r10d, r10d",
                    "xor r11d, r11d",
                    clobber_abi("sysv64"),
                    options(nomem, nostack)
                );
            }
        } else if std::arch::is_x86_feature_detected!("avx") {
            // SAFETY: AVX has been seen; as above.
            unsafe {
                asm!(
                    "vpxor xmm0, xmm0, xmm0",
                    "vpxor xmm1, xmm1, xmm1",
                    "vpxor xmm2, xmm2, xmm2",
                    "vpxor xmm3, xmm3, xmm3",
                    "vpxor xmm4, xmm4, xmm4",
                    "vpxor xmm5, xmm5, xmm5",
                    "vpxor xmm6, xmm6, xmm6",
                    "vpxor xmm7, xmm7, xmm7",
                    "vpxor xmm8, xmm8, xmm8",
                    "vpxor xmm9, xmm9, xmm9",
                    "vpxor xmm10, xmm10, xmm10",
                    "vpxor xmm11, xmm11, xmm11",
                    "vpxor xmm12, xmm12, xmm12",
                    "vpxor xmm13, xmm13, xmm13",
                    "vpxor xmm14, xmm14, xmm14",
                    "vpxor xmm15, xmm15, xmm15",
                    "vzeroupper",
                    "xor eax, eax",
                    "xor ecx, ecx",
                    "xor edx, edx",
                    "xor esi, esi",
                    "xor edi, edi",
                    "xor r8d, r8d",
                    "xor r9d, r9d",
                    "xor r10d, r10d",
                    "xor r11d, r11d",
                    clobber_abi("sysv64"),
                    options(nomem, nostack)
                );
            }
        } else {
            // SAFETY: SSE2 is part of x86-64; as above.
            unsafe {
                asm!(
                    "pxor xmm0, xmm0",
                    "pxor xmm1, xmm1",
                    "pxor xmm2, xmm2",
                    "pxor xmm3, xmm3",
                    "pxor xmm4, xmm4",
                    "pxor xmm5, xmm5",
                    "pxor xmm6, xmm6",
                    "pxor xmm7, xmm7",
                    "pxor xmm8, xmm8",
                    "pxor xmm9, xmm9",
                    "pxor xmm10, xmm10",
                    "pxor xmm11, xmm11",
                    "pxor xmm12, xmm12",
                    "pxor xmm13, xmm13",
                    "pxor xmm14, xmm14",
                    "pxor xmm15, xmm15",
                    "xor eax, eax",
                    "xor ecx, ecx",
                    "xor edx, edx",
                    "xor esi, esi",
                    "xor edi, edi",
                    "xor r8d, r8d",
                    "xor r9d, r9d",
                    "xor r10d, r10d",
                    "xor r11d, r11d",
                    clobber_abi("sysv64"),
                    options(nomem, nostack)
                );
            }
        }
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(super) use x86::clear;

/// On aarch64 the low halves of v8 to v15 belong to the caller; the others go.
#[cfg(all(target_arch = "aarch64", not(miri)))]
#[inline]
pub(super) fn clear() {
    // SAFETY: every register that changes is one that a call may change, and is named so.
    unsafe {
        std::arch::asm!(
            "mov x0, xzr",
            "mov x1, xzr",
            "mov x2, xzr",
            "mov x3, xzr",
            "mov x4, xzr",
            "mov x5, xzr",
            "mov x6, xzr",
            "mov x7, xzr",
            "mov x8, xzr",
            "mov x9, xzr",
            "mov x10, xzr",
            "mov x11, xzr",
            "mov x12, xzr",
            "mov x13, xzr",
            "mov x14, xzr",
            "mov x15, xzr",
            "mov x16, xzr",
            "mov x17, xzr",
            "movi v0.2d, #0",
            "movi v1.2d, #0",
            "movi v2.2d, #0",
            "movi v3.2d, #0",
            "movi v4.2d, #0",
            "movi v5.2d, #0",
            "movi v6.2d, #0",
            "movi v7.2d, #0",
            "movi v16.2d, #0",
            "movi v17.2d, #0",
            "movi v18.2d, #0",
            "movi v19.2d, #0",
            "movi v20.2d, #0",
            "movi v21.2d, #0",
            "movi v22.2d, #0",
            "movi v23.2d, #0",
            "movi v24.2d, #0",
            "movi v25.2d, #0",
            "movi v26.2d, #0",
            "movi v27.2d, #0",
            "movi v28.2d, #0",
            "movi v29.2d, #0",
            "movi v30.2d, #0",
            "movi v31.2d, #0",
            clobber_abi("C"),
            options(nomem, nostack)
        );
    }
}

/// Elsewhere the compiler's own use of them must do.
#[cfg(any(not(any(target_arch = "x86_64", target_arch = "aarch64")), miri))]
pub(super) fn clear() {}
