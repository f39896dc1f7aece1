#include "textflag.h"

DATA quote<>+0(SB)/8, $0x2222222222222222
GLOBL quote<>(SB), RODATA|NOPTR, $8
DATA backslash<>+0(SB)/8, $0x5c5c5c5c5c5c5c5c
GLOBL backslash<>(SB), RODATA|NOPTR, $8
DATA control<>+0(SB)/8, $0x1f1f1f1f1f1f1f1f
GLOBL control<>(SB), RODATA|NOPTR, $8
DATA small<>+0(SB)/8, $0x2020202020202020
GLOBL small<>(SB), RODATA|NOPTR, $8
DATA belowA<>+0(SB)/8, $0x6060606060606060
GLOBL belowA<>(SB), RODATA|NOPTR, $8
DATA aboveZ<>+0(SB)/8, $0x7b7b7b7b7b7b7b7b
GLOBL aboveZ<>(SB), RODATA|NOPTR, $8
DATA below0<>+0(SB)/8, $0x2f2f2f2f2f2f2f2f
GLOBL below0<>(SB), RODATA|NOPTR, $8
DATA above9<>+0(SB)/8, $0x3a3a3a3a3a3a3a3a
GLOBL above9<>(SB), RODATA|NOPTR, $8

// func plainAVX2(b *byte, n int) int
TEXT ·plainAVX2(SB), NOSPLIT, $0-24
	MOVQ b+0(FP), SI
	MOVQ n+8(FP), CX
	VPBROADCASTQ quote<>(SB), Y1
	VPBROADCASTQ backslash<>(SB), Y2
	VPBROADCASTQ control<>(SB), Y3
	XORQ AX, AX
plain:
	VMOVDQU (SI)(AX*1), Y0
	VPCMPEQB Y1, Y0, Y4
	VPCMPEQB Y2, Y0, Y5
	VPMINUB Y3, Y0, Y6
	VPCMPEQB Y6, Y0, Y6 // no more than 0x1f
	VPOR Y4, Y5, Y4
	VPOR Y6, Y4, Y4
	VPMOVMSKB Y4, DX
	TESTL DX, DX
	JNZ special
	ADDQ $32, AX
	CMPQ AX, CX
	JLT plain
	VZEROUPPER
	MOVQ AX, ret+16(FP)
	RET
special:
	BSFL DX, DX
	ADDQ DX, AX
	VZEROUPPER
	MOVQ AX, ret+16(FP)
	RET

// func unescapeAVX2(dst, src *byte, n int, table *[256]byte) (written, read int)
// DI where to write, SI where to read, R8 behind what may be read.
TEXT ·unescapeAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), R8
	MOVQ table+24(FP), R9
	ADDQ SI, R8
	VPBROADCASTQ quote<>(SB), Y1
	VPBROADCASTQ backslash<>(SB), Y2
	VPBROADCASTQ control<>(SB), Y3
copy:
	LEAQ 33(SI), AX // a backslash among 32 has a byte behind it
	CMPQ AX, R8
	JHI copied
	VMOVDQU (SI), Y0
	VMOVDQU Y0, (DI)
	VPCMPEQB Y1, Y0, Y4
	VPCMPEQB Y2, Y0, Y5
	VPMINUB Y3, Y0, Y6
	VPCMPEQB Y6, Y0, Y6
	VPOR Y4, Y5, Y4
	VPOR Y6, Y4, Y4
	VPMOVMSKB Y4, DX
	TESTL DX, DX
	JNZ escape
	ADDQ $32, SI
	ADDQ $32, DI
	JMP copy
escape:
	BSFL DX, DX
	ADDQ DX, SI
	ADDQ DX, DI
	CMPB (SI), $92
	JNE copied
	MOVBLZX 1(SI), AX
	MOVBLZX (R9)(AX*1), AX
	TESTL AX, AX
	JZ copied
	MOVB AX, (DI)
	INCQ DI
	ADDQ $2, SI
	JMP copy
copied:
	VZEROUPPER
	SUBQ dst+0(FP), DI
	SUBQ src+8(FP), SI
	MOVQ DI, written+32(FP)
	MOVQ SI, read+40(FP)
	RET

// WORD sets to to the bits of the 32 bytes in Y0 that belong to words. Bytes from
// 0x80 on are negative, so they are less than what letters and digits are
// compared with; their own highest bit tells them.
#define WORD(to) \
	VPOR Y1, Y0, Y4 \
	VPCMPGTB Y2, Y4, Y5 \
	VPCMPGTB Y4, Y3, Y6 \
	VPAND Y5, Y6, Y5 \
	VPCMPGTB Y7, Y0, Y6 \
	VPCMPGTB Y0, Y8, Y9 \
	VPAND Y6, Y9, Y6 \
	VPOR Y5, Y6, Y5 \
	VPOR Y0, Y5, Y5 \
	VPMOVMSKB Y5, to

// func wordsAVX2(b *byte) uint64
TEXT ·wordsAVX2(SB), NOSPLIT, $0-16
	MOVQ b+0(FP), SI
	VPBROADCASTQ small<>(SB), Y1
	VPBROADCASTQ belowA<>(SB), Y2
	VPBROADCASTQ aboveZ<>(SB), Y3
	VPBROADCASTQ below0<>(SB), Y7
	VPBROADCASTQ above9<>(SB), Y8
	VMOVDQU (SI), Y0
	WORD(AX)
	VMOVDQU 32(SI), Y0
	WORD(DX)
	SHLQ $32, DX
	ORQ DX, AX
	VZEROUPPER
	MOVQ AX, ret+8(FP)
	RET
