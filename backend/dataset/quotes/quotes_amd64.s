#include "textflag.h"

// BITS sets to to one bit for each of the 64 bytes in Y0 and Y1 that equals what.
#define BITS(what, to) \
	VPCMPEQB what, Y0, Y2 \
	VPCMPEQB what, Y1, Y3 \
	VPMOVMSKB Y2, to \
	VPMOVMSKB Y3, R13 \
	SHLQ $32, R13 \
	ORQ R13, to

// func scanAVX2(b *byte, n int, comma byte, a *accumulator)
// R8, R9 feeds; R10, R11 strays; BX inside; DX ok; X12 all ones, by which a
// carry-less product has in each bit the parity of all bits up to it.
TEXT ·scanAVX2(SB), NOSPLIT, $0-32
	MOVQ b+0(FP), SI
	MOVQ n+8(FP), CX
	MOVBLZX comma+16(FP), AX
	MOVQ a+24(FP), DI
	VMOVQ AX, X15
	VPBROADCASTB X15, Y15
	MOVQ $10, AX
	VMOVQ AX, X14
	VPBROADCASTB X14, Y14
	MOVQ $34, AX
	VMOVQ AX, X13
	VPBROADCASTB X13, Y13
	VPCMPEQB X12, X12, X12
	MOVQ 0(DI), R8
	MOVQ 8(DI), R9
	MOVQ 16(DI), R10
	MOVQ 24(DI), R11
	MOVQ 32(DI), BX
	MOVQ 40(DI), DX
block:
	CMPQ CX, $64
	JLT end
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	BITS(Y13, AX) // quotes
	VMOVQ AX, X4
	VPCLMULQDQ $0, X12, X4, X4
	BITS(Y14, R12) // line feeds
	BITS(Y15, R15) // separators
	ORQ R12, R15
	ORQ AX, R15
	LEAQ (DX)(R15*2), DX // places behind which a field may begin
	SHRQ $63, R15        // and whether the next 64 may begin with one
	VMOVQ X4, R13
	XORQ BX, R13 // in quotes
	MOVQ R13, BX
	SARQ $63, BX
	ANDNQ AX, DX, DX // quotes where none may be
	MOVQ DX, AX
	ANDQ R13, AX
	ORQ AX, R10
	ANDNQ DX, R13, AX
	ORQ AX, R11
	ANDNQ R12, R13, AX
	POPCNTQ AX, AX
	ADDQ AX, R8
	ANDQ R13, R12
	POPCNTQ R12, R12
	ADDQ R12, R9
	MOVQ R15, DX
	ADDQ $64, SI
	SUBQ $64, CX
	JMP block
end:
	VZEROUPPER
	MOVQ R8, 0(DI)
	MOVQ R9, 8(DI)
	MOVQ R10, 16(DI)
	MOVQ R11, 24(DI)
	MOVQ BX, 32(DI)
	MOVQ DX, 40(DI)
	RET
