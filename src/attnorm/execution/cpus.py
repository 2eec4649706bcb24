"""CPU names and instruction-set features that IREE's code generator knows, by architecture.

IREE only warns about a feature that it does not know and aborts the process on some CPU names that
it does not know, so names are checked here. The CPU names are those that IREE 3.13 lists; of the
features, those that choose instructions (tuning knobs are left out). RISC-V CPUs without the D
extension are left out: floats travel in its registers.
"""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


CPUS: dict[str, frozenset[str]] = {
    "x86-64": _names(
        """
        alderlake amdfam10 arrowlake arrowlake-s athlon-fx athlon64 athlon64-sse3 atom
        barcelona bdver1 bdver2 bdver3 bdver4 bonnell broadwell btver1 btver2 c86-4g-m4
        c86-4g-m6 c86-4g-m7 c86-4g-m8 cannonlake cascadelake clearwaterforest cooperlake
        core-avx-i core-avx2 core2 corei7 corei7-avx diamondrapids emeraldrapids goldmont
        goldmont-plus gracemont grandridge graniterapids graniterapids-d haswell
        icelake-client icelake-server ivybridge k8 k8-sse3 knl knm lunarlake meteorlake
        nehalem nocona novalake opteron opteron-sse3 pantherlake penryn raptorlake
        rocketlake sandybridge sapphirerapids sierraforest silvermont skx skylake
        skylake-avx512 slm tigerlake tremont westmere wildcatlake x86-64 x86-64-v2 x86-64-v3
        x86-64-v4 znver1 znver2 znver3 znver4 znver5 znver6
        """
    ),
    "aarch64": _names(
        """
        a64fx ampere1 ampere1a ampere1b ampere1c apple-a10 apple-a11 apple-a12 apple-a13
        apple-a14 apple-a15 apple-a16 apple-a17 apple-a18 apple-a19 apple-a7 apple-a8
        apple-a9 apple-m1 apple-m2 apple-m3 apple-m4 apple-m5 apple-s10 apple-s4 apple-s5
        apple-s6 apple-s7 apple-s8 apple-s9 armagicpu c1-nano c1-premium c1-pro c1-ultra
        c2-pro c2-ultra carmel cobalt-100 cortex-a320 cortex-a34 cortex-a35 cortex-a510
        cortex-a520 cortex-a520ae cortex-a53 cortex-a55 cortex-a57 cortex-a65 cortex-a65ae
        cortex-a710 cortex-a715 cortex-a72 cortex-a720 cortex-a720ae cortex-a725 cortex-a73
        cortex-a75 cortex-a76 cortex-a76ae cortex-a77 cortex-a78 cortex-a78ae cortex-a78c
        cortex-r82 cortex-r82ae cortex-x1 cortex-x1c cortex-x2 cortex-x3 cortex-x4
        cortex-x925 cyclone exynos-m3 exynos-m4 exynos-m5 falkor fujitsu-monaka gb10 generic
        grace hip12 kryo neoverse-512tvb neoverse-e1 neoverse-n1 neoverse-n2 neoverse-n3
        neoverse-v1 neoverse-v2 neoverse-v3 neoverse-v3ae olympus oryon-1 rigel saphira
        thunderx thunderx2t99 thunderx3t110 thunderxt81 thunderxt83 thunderxt88 tsv110
        """
    ),
    "riscv64": _names(
        """
        andes-ax25 andes-ax45 andes-ax45mpv andes-nx45 gaisler-gr765 mips-p8700 sifive-p450
        sifive-p470 sifive-p550 sifive-p670 sifive-p870-d sifive-s54 sifive-s76 sifive-u54
        sifive-u74 sifive-x180 sifive-x280 sifive-x390 spacemit-a100 spacemit-x100
        spacemit-x60 syntacore-scr4-rv64 syntacore-scr5-rv64 syntacore-scr7 tt-ascalon-x
        tt-ascalon-xg xiangshan-kunminghu xiangshan-nanhu xt-c910v2 xt-c920v2
        """
    ),
}

FEATURES: dict[str, frozenset[str]] = {
    "x86-64": _names(
        """
        adx aes amx-bf16 amx-fp16 amx-int8 amx-tile avx avx10.1 avx10.2 avx2 avx512bf16
        avx512bitalg avx512bw avx512cd avx512dq avx512f avx512fp16 avx512ifma avx512vbmi
        avx512vbmi2 avx512vl avx512vnni avx512vp2intersect avx512vpopcntdq avxifma
        avxneconvert avxvnni avxvnniint16 avxvnniint8 bmi bmi2 cx16 f16c fma fma4 gfni lzcnt
        movbe pclmul popcnt prefer-128-bit prefer-256-bit sse sse2 sse3 sse4.1 sse4.2 sse4a
        ssse3 vaes vpclmulqdq xop
        """
    ),
    "aarch64": _names(
        """
        aes bf16 complxnum crc crypto dotprod f32mm f64mm flagm fp-armv8 fp16fml fp8 fp8dot2
        fp8dot4 fp8fma fullfp16 i8mm jsconv lse lse2 mops neon rcpc rdm sha2 sha3 sm4 sme
        sme2 sme2p1 sve sve-b16b16 sve2 sve2-aes sve2-bitperm sve2-sha3 sve2-sm4 sve2p1
        v8.1a v8.2a v8.3a v8.4a v8.5a v8.6a v8.7a v8.8a v8.9a v8a v9.1a v9.2a v9.3a v9.4a
        v9.5a v9.6a v9a
        """
    ),
    "riscv64": _names(
        """
        a b c d f m unaligned-scalar-mem unaligned-vector-mem v zacas zba zbb zbc zbs zca
        zcb zcd zfa zfbfmin zfh zfhmin zicbom zicbop zicboz zicond zicsr zifencei zvbb zvbc
        zve32f zve32x zve64d zve64f zve64x zvfbfmin zvfbfwma zvfh zvfhmin zvkb zvkt zvl128b
        zvl256b zvl512b zvl1024b zvl2048b
        """
    ),
}
