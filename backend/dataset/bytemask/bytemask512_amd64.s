#include "textflag.h"

DATA quote<>+0(SB)/8, $0x2222222222222222
GLOBL quote<>(SB), RODATA|NOPTR, $8
DATA backslash<>+0(SB)/8, $0x5c5c5c5c5c5c5c5c
GLOBL backslash<>(SB), RODATA|NOPTR, $8
DATA control<>+0(SB)/8, $0x1f1f1f1f1f1f1f1f
GLOBL control<>(SB), RODATA|NOPTR, $8

// As in bytemask_amd64.s.
DATA low<>+0(SB)/8, $0x00040008000d0000
DATA low<>+8(SB)/8, $0x0004000200000000
GLOBL low<>(SB), RODATA|NOPTR, $16
DATA high<>+0(SB)/8, $0x0804020000010000
DATA high<>+8(SB)/8, $0x0000000000000000
GLOBL high<>(SB), RODATA|NOPTR, $16
DATA nibble<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
GLOBL nibble<>(SB), RODATA|NOPTR, $8

// func spelledAVX512(b *byte, n int) (at int, ok bool)
// The registers are those of spelledAVX2.
TEXT ·spelledAVX512(SB), NOSPLIT, $0-25
	MOVQ b+0(FP), SI
	MOVQ n+8(FP), CX
	VPBROADCASTQ quote<>(SB), Z1
	VPBROADCASTQ backslash<>(SB), Z2
	VPBROADCASTQ control<>(SB), Z3
	VBROADCASTI32X4 low<>(SB), Z5
	VBROADCASTI32X4 high<>(SB), Z6
	VPBROADCASTQ nibble<>(SB), Z7
	MOVQ $0xaaaaaaaaaaaaaaaa, R14
	XORQ AX, AX
	XORQ R13, R13
spell:
	CMPQ AX, CX
	JGE none
	VMOVDQU64 (SI)(AX*1), Z0
	VPCMPEQB Z1, Z0, K1
	VPCMPEQB Z2, Z0, K2
	VPCMPUB $2, Z3, Z0, K3 // no more than 0x1f
	VPSRLW $4, Z0, Z4
	VPANDQ Z7, Z4, Z4
	VPSHUFB Z4, Z6, Z4
	VPSHUFB Z0, Z5, Z8
	VPTESTMB Z4, Z8, K4
	KMOVQ K1, R8
	KMOVQ K2, R9
	KMOVQ K3, R10
	KMOVQ K4, R11
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

// func unescapeAVX512(dst, src *byte, n int, table *[256]byte) (written, read int)
// The registers are those of unescapeAVX2; no block begins behind a backslash that
// belongs to what it begins with.
TEXT ·unescapeAVX512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), R8
	MOVQ table+24(FP), R9
	ADDQ SI, R8
	VPBROADCASTQ quote<>(SB), Z1
	VPBROADCASTQ backslash<>(SB), Z2
	VPBROADCASTQ control<>(SB), Z3
	VMOVDQU64 (R9), Z5
	VMOVDQU64 64(R9), Z6
	MOVQ $0xaaaaaaaaaaaaaaaa, R14
copy:
	LEAQ 64(SI), AX
	CMPQ AX, R8
	JHI copied
	VMOVDQU64 (SI), Z0
	VPCMPEQB Z1, Z0, K1
	VPCMPEQB Z2, Z0, K2
	VPCMPUB $2, Z3, Z0, K3
	KMOVQ K1, R10
	KMOVQ K2, R11
	KMOVQ K3, R12
	TESTQ R11, R11
	JNZ escapes
	ORQ R10, R12
	JNZ copied
	VMOVDQU64 Z0, (DI)
	ADDQ $64, SI
	ADDQ $64, DI
	JMP copy
escapes:
	// In BX what stands behind an odd number of backslashes, in DX the last of each
	// of these: they go.
	MOVQ R11, DX
	SHLQ $1, DX
	ORQ R14, DX
	SUBQ R11, DX
	XORQ R14, DX
	MOVQ DX, BX
	XORQ R11, BX
	ANDQ R11, DX
	VMOVDQA64 Z0, Z4
	VPERMI2B Z6, Z5, Z4
	VPTESTMB Z4, Z4, K4 // stands for something
	VPMOVB2M Z0, K5
	KANDNQ K4, K5, K4 // and is ASCII
	KMOVQ K4, R13
	NOTQ R13
	ANDQ BX, R13
	MOVQ BX, AX
	NOTQ AX
	ANDQ R10, AX
	ORQ R12, AX
	ORQ R13, AX
	JNZ copied
	KMOVQ BX, K6
	VPBLENDMB Z4, Z0, K6, Z0
	MOVQ DX, CX
	NOTQ CX
	KMOVQ CX, K7
	VPCOMPRESSB Z0, K7, Z4
	VMOVDQU64 Z4, (DI)
	POPCNTQ CX, CX
	ADDQ CX, DI
	SHRQ $63, DX // a backslash at the end waits for the next block
	ADDQ $64, SI
	SUBQ DX, SI
	JMP copy
copied:
	VZEROUPPER
	SUBQ dst+0(FP), DI
	SUBQ src+8(FP), SI
	MOVQ DI, written+32(FP)
	MOVQ SI, read+40(FP)
	RET
