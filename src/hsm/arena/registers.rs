//! The registers after work with keys: the vector registers would keep round keys and halves of keys
//! until somebody else happens to use them, and the kernel stores them in every signal frame.

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86 {
    use std::arch::asm;

    /// The general registers that a call may change.
    macro_rules! general {
        () => {
            concat!(
                "xor eax, eax\n",
                "xor ecx, ecx\n",
                "xor edx, edx\n",
                "xor esi, esi\n",
                "xor edi, edi\n",
                "xor r8d, r8d\n",
                "xor r9d, r9d\n",
                "xor r10d, r10d\n",
                "xor r11d, r11d\n",
            )
        };
    }

    /// The vector registers that AVX knows, with their upper parts. Written as idioms that the
    /// processor's renaming does for nothing; vzeroall takes longer than all of them.
    macro_rules! avx {
        () => {
            concat!(
                "vpxor xmm0, xmm0, xmm0\n",
                "vpxor xmm1, xmm1, xmm1\n",
                "vpxor xmm2, xmm2, xmm2\n",
                "vpxor xmm3, xmm3, xmm3\n",
                "vpxor xmm4, xmm4, xmm4\n",
                "vpxor xmm5, xmm5, xmm5\n",
                "vpxor xmm6, xmm6, xmm6\n",
                "vpxor xmm7, xmm7, xmm7\n",
                "vpxor xmm8, xmm8, xmm8\n",
                "vpxor xmm9, xmm9, xmm9\n",
                "vpxor xmm10, xmm10, xmm10\n",
                "vpxor xmm11, xmm11, xmm11\n",
                "vpxor xmm12, xmm12, xmm12\n",
                "vpxor xmm13, xmm13, xmm13\n",
                "vpxor xmm14, xmm14, xmm14\n",
                "vpxor xmm15, xmm15, xmm15\n",
                "vzeroupper\n",
            )
        };
    }

    /// Those that AVX-512 adds.
    macro_rules! avx512 {
        () => {
            concat!(
                "vpxorq xmm16, xmm16, xmm16\n",
                "vpxorq xmm17, xmm17, xmm17\n",
                "vpxorq xmm18, xmm18, xmm18\n",
                "vpxorq xmm19, xmm19, xmm19\n",
                "vpxorq xmm20, xmm20, xmm20\n",
                "vpxorq xmm21, xmm21, xmm21\n",
                "vpxorq xmm22, xmm22, xmm22\n",
                "vpxorq xmm23, xmm23, xmm23\n",
                "vpxorq xmm24, xmm24, xmm24\n",
                "vpxorq xmm25, xmm25, xmm25\n",
                "vpxorq xmm26, xmm26, xmm26\n",
                "vpxorq xmm27, xmm27, xmm27\n",
                "vpxorq xmm28, xmm28, xmm28\n",
                "vpxorq xmm29, xmm29, xmm29\n",
                "vpxorq xmm30, xmm30, xmm30\n",
                "vpxorq xmm31, xmm31, xmm31\n",
            )
        };
    }

    /// Those that every x86-64 has.
    macro_rules! sse {
        () => {
            concat!(
                "pxor xmm0, xmm0\n",
                "pxor xmm1, xmm1\n",
                "pxor xmm2, xmm2\n",
                "pxor xmm3, xmm3\n",
                "pxor xmm4, xmm4\n",
                "pxor xmm5, xmm5\n",
                "pxor xmm6, xmm6\n",
                "pxor xmm7, xmm7\n",
                "pxor xmm8, xmm8\n",
                "pxor xmm9, xmm9\n",
                "pxor xmm10, xmm10\n",
                "pxor xmm11, xmm11\n",
                "pxor xmm12, xmm12\n",
                "pxor xmm13, xmm13\n",
                "pxor xmm14, xmm14\n",
                "pxor xmm15, xmm15\n",
            )
        };
    }

    #[inline]
    pub(in super::super) fn clear() {
        if std::arch::is_x86_feature_detected!("avx512vl") {
            // SAFETY: AVX-512VL has been seen; every register that changes is one that a call may
            // change, and is named so.
            unsafe {
                asm!(avx512!(), avx!(), general!(), clobber_abi("sysv64"), options(nomem, nostack));
            }
        } else if std::arch::is_x86_feature_detected!("avx") {
            // SAFETY: AVX has been seen; as above.
            unsafe {
                asm!(avx!(), general!(), clobber_abi("sysv64"), options(nomem, nostack));
            }
        } else {
            // SAFETY: SSE2 is part of x86-64; as above.
            unsafe {
                asm!(sse!(), general!(), clobber_abi("sysv64"), options(nomem, nostack));
            }
        }
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(super) use x86::clear;

/// On aarch64 v8 to v15 stay: their low halves belong to the caller, and whoever has used one restores
/// it by a load that clears its high half.
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
