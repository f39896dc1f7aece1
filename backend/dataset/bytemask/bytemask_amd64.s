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

// SPELL adds to R8 the quotes, to R9 the backslashes, to R10 the control
// characters and to R11 the letters that a backslash may stand before, of the 32
// bytes in Y0, as bits above at.
#define SPELL(at) \
	VPCMPEQB Y1, Y0, Y4 \
	VPMOVMSKB Y4, R12 \
	SHLQ at, R12 \
	ORQ R12, R8 \
	VPCMPEQB Y2, Y0, Y4 \
	VPMOVMSKB Y4, R12 \
	SHLQ at, R12 \
	ORQ R12, R9 \
	VPMINUB Y3, Y0, Y4 \
	VPCMPEQB Y4, Y0, Y4 \
	VPMOVMSKB Y4, R12 \
	SHLQ at, R12 \
	ORQ R12, R10 \
	VPSRLW $4, Y0, Y4 \
	VPAND Y7, Y4, Y4 \
	VPSHUFB Y4, Y6, Y4 \
	VPSHUFB Y0, Y5, Y8 \
	VPAND Y4, Y8, Y4 \
	VPCMPEQB Y9, Y4, Y4 \
	VPMOVMSKB Y4, R12 \
	XORL $0xffffffff, R12 \
	SHLQ at, R12 \
	ORQ R12, R11

// Bit 0 is of 0x22, 1 of 0x5c, 2 of 0x62, 0x66 and 0x6e, 3 of 0x72 and 0x74.
DATA low<>+0(SB)/8, $0x00040008000d0000
DATA low<>+8(SB)/8, $0x0004000200000000
GLOBL low<>(SB), RODATA|NOPTR, $16
DATA high<>+0(SB)/8, $0x0804020000010000
DATA high<>+8(SB)/8, $0x0000000000000000
GLOBL high<>(SB), RODATA|NOPTR, $16
DATA nibble<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
GLOBL nibble<>(SB), RODATA|NOPTR, $8

// func spelledAVX2(b *byte, n int) (at int, ok bool)
// R13 is 1 when the first of the next 64 bytes stands behind a backslash.
TEXT ·spelledAVX2(SB), NOSPLIT, $0-25
	MOVQ b+0(FP), SI
	MOVQ n+8(FP), CX
	VPBROADCASTQ quote<>(SB), Y1
	VPBROADCASTQ backslash<>(SB), Y2
	VPBROADCASTQ control<>(SB), Y3
	VBROADCASTI128 low<>(SB), Y5
	VBROADCASTI128 high<>(SB), Y6
	VPBROADCASTQ nibble<>(SB), Y7
	VPXOR Y9, Y9, Y9
	MOVQ $0xaaaaaaaaaaaaaaaa, R14 // odd places
	XORQ AX, AX
	XORQ R13, R13
spell:
	CMPQ AX, CX
	JGE none
	XORQ R8, R8
	XORQ R9, R9
	XORQ R10, R10
	XORQ R11, R11
	VMOVDQU (SI)(AX*1), Y0
	SPELL($0)
	VMOVDQU 32(SI)(AX*1), Y0
	SPELL($32)
	MOVQ R9, DX
	ORQ R13, DX
	JZ plain
	// What stands behind an odd number of backslashes, in DI: a carry runs through
	// each row of them from where it begins.
	MOVQ R13, DX
	NOTQ DX
	ANDQ R9, DX // backslashes that are not behind one themselves
	MOVQ DX, BX
	SHLQ $1, BX
	ORQ R14, BX
	SUBQ DX, BX
	XORQ R14, BX
	MOVQ R9, DI
	ORQ R13, DI
	XORQ BX, DI
	ANDQ R9, BX
	SHRQ $63, BX
	MOVQ BX, R13
	// Quotes that are not, and whatever should not be there.
	MOVQ DI, DX
	NOTQ DX
	ANDQ DX, R8
	NOTQ R11
	ANDQ R11, DI
	ORQ DI, R10
plain:
	MOVQ R8, DX
	ORQ R10, DX
	JNZ stop
	ADDQ $64, AX
	JMP spell
stop:
	BSFQ DX, BX
	ADDQ BX, AX
	BTQ BX, R10
	SETCC ok+24(FP)
	VZEROUPPER
	MOVQ AX, at+16(FP)
	RET
none:
	VZEROUPPER
	MOVQ CX, at+16(FP)
	MOVB $0, ok+24(FP)
	RET
