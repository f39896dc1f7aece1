#include "textflag.h"

// A table (see newTable) is 64 bytes that are or-ed to the text before it is
// compared, 64 bytes that begin with the number of needles, and 192 bytes for
// each needle: its distance, 64 times its first byte, 64 times its second.
// A place is found when it holds the first byte of a needle and, so many bytes
// further, the second. Both functions look at 64 bytes at a time and stop at the
// first 64 in which there is such a place:
//
//	at    where these 64 bytes begin, n when there is no place
//	mask  which of the 64 are places
//	lines the line feeds before at
//
// findAVX2 leaves the text as it is: it does not look at what is to be or-ed.

// What is the same in both. SI text, AX bytes done, CX bytes to do, DI the first
// needle, R10 their number, R8 lines, R11 mask; Y14 line feeds.
#define BEGIN \
	MOVQ b+0(FP), SI \
	MOVQ n+8(FP), CX \
	MOVQ table+16(FP), DI \
	VMOVDQU (DI), Y15 \
	MOVQ 64(DI), R10 \
	ADDQ $128, DI \
	MOVQ $10, R9 \
	VMOVQ R9, X14 \
	VPBROADCASTB X14, Y14 \
	XORQ AX, AX \
	XORQ R8, R8 \
	XORQ R11, R11

#define LOAD \
	VMOVDQU (SI), Y0 \
	VMOVDQU 32(SI), Y1 \
	VPCMPEQB Y14, Y0, Y2 \
	VPCMPEQB Y14, Y1, Y3 \
	VPMOVMSKB Y2, R12 \
	VPMOVMSKB Y3, R13 \
	POPCNTL R12, R12 \
	POPCNTL R13, R13 \
	VPXOR Y4, Y4, Y4 \
	VPXOR Y5, Y5, Y5 \
	MOVQ DI, BX \
	MOVQ R10, DX

// Places of one needle: Y6 and Y7 hold where its first byte is, Y8 and Y9 where
// its second is.
#define JOIN \
	VPAND Y8, Y6, Y6 \
	VPAND Y9, Y7, Y7 \
	VPOR Y6, Y4, Y4 \
	VPOR Y7, Y5, Y5 \
	ADDQ $192, BX

#define NEXT \
	ADDQ R12, R8 \
	ADDQ R13, R8 \
	ADDQ $64, AX \
	ADDQ $64, SI

#define MASK \
	VPMOVMSKB Y4, R11 \
	VPMOVMSKB Y5, R9 \
	SHLQ $32, R9 \
	ORQ R9, R11

#define RETURN \
	VZEROUPPER \
	MOVQ AX, at+24(FP) \
	MOVQ R11, mask+32(FP) \
	MOVQ R8, lines+40(FP) \
	RET

// func findAVX2(b *byte, n int, table *byte) (at int, mask uint64, lines int)
TEXT ·findAVX2(SB), NOSPLIT, $0-48
	BEGIN
block:
	CMPQ AX, CX
	JGE end
	LOAD
needle:
	MOVQ (BX), R9
	VMOVDQU 64(BX), Y10
	VMOVDQU 128(BX), Y11
	VPCMPEQB Y10, Y0, Y6
	VPCMPEQB Y10, Y1, Y7
	VPCMPEQB (SI)(R9*1), Y11, Y8
	VPCMPEQB 32(SI)(R9*1), Y11, Y9
	JOIN
	DECQ DX
	JNZ needle
	VPOR Y4, Y5, Y6
	VPMOVMSKB Y6, R9
	TESTL R9, R9
	JNZ found
	NEXT
	JMP block
found:
	MASK
end:
	RETURN

// func findFoldAVX2(b *byte, n int, table *byte) (at int, mask uint64, lines int)
TEXT ·findFoldAVX2(SB), NOSPLIT, $0-48
	BEGIN
block:
	CMPQ AX, CX
	JGE end
	LOAD
	VPOR Y15, Y0, Y0
	VPOR Y15, Y1, Y1
needle:
	MOVQ (BX), R9
	VMOVDQU 64(BX), Y10
	VMOVDQU 128(BX), Y11
	VPCMPEQB Y10, Y0, Y6
	VPCMPEQB Y10, Y1, Y7
	VPOR (SI)(R9*1), Y15, Y8
	VPOR 32(SI)(R9*1), Y15, Y9
	VPCMPEQB Y11, Y8, Y8
	VPCMPEQB Y11, Y9, Y9
	JOIN
	DECQ DX
	JNZ needle
	VPOR Y4, Y5, Y6
	VPMOVMSKB Y6, R9
	TESTL R9, R9
	JNZ found
	NEXT
	JMP block
found:
	MASK
end:
	RETURN
