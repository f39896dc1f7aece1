package main

import (
	"fmt"
	"math"
)

// Offsets of the constants of the exponential in the read-only block.
const (
	cHigh = 4 * iota
	cLow
	cLog2e
	cLn2Hi
	cLn2Lo
	cP0
	cP1
	cP2
	cP3
	cP4
	cP5
	cOne
	cBias
	cSize
)

// constants writes the read-only block: e^x = 2^n · p(r), with ln 2 in two
// parts and a polynomial of degree five for e^r on |r| <= ln2/2.
func constants() {
	values := []float32{88, -87, 1.44269504088896341, 0.693359375, -2.12194440e-4,
		1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5, 1}
	out.WriteString("\n")
	for i, v := range values {
		fmt.Fprintf(&out, "DATA consts<>+%d(SB)/4, $%#08x // %g\n", 4*i, math.Float32bits(v), v)
	}
	fmt.Fprintf(&out, "DATA consts<>+%d(SB)/4, $127\n", cBias)
	fmt.Fprintf(&out, "GLOBL consts<>(SB), RODATA|NOPTR, $%d\n", cSize)
}

func broadcast(offset int, reg string) {
	if offset == cBias {
		op("VPBROADCASTD consts<>+%d(SB), %s", offset, reg)
		return
	}
	op("VBROADCASTSS consts<>+%d(SB), %s", offset, reg)
}

// expSetup loads Y7..Y13 for expBody.
func expSetup() {
	for i, c := range []int{cBias, cOne, cLn2Lo, cLn2Hi, cLog2e, cLow, cHigh} {
		broadcast(c, fmt.Sprintf("Y%d", 7+i))
	}
}

// expBody turns Y0 into e^Y0; it uses Y1..Y5.
func expBody() {
	op("VMINPS Y13, Y0, Y0")
	op("VMAXPS Y12, Y0, Y0")
	op("VMULPS Y11, Y0, Y1")
	op("VROUNDPS $0, Y1, Y1")
	op("VFNMADD231PS Y10, Y1, Y0")
	op("VFNMADD231PS Y9, Y1, Y0")
	broadcast(cP0, "Y2")
	for _, c := range []int{cP1, cP2, cP3, cP4, cP5} {
		broadcast(c, "Y3")
		op("VFMADD213PS Y3, Y0, Y2")
	}
	op("VMULPS Y0, Y0, Y4")
	op("VADDPS Y8, Y0, Y5")
	op("VFMADD231PS Y2, Y4, Y5")
	op("VCVTPS2DQ Y1, Y1")
	op("VPADDD Y7, Y1, Y1")
	op("VPSLLD $23, Y1, Y1")
	op("VMULPS Y1, Y5, Y0")
}

// expSum writes x = e^((x-sub)·scale) and returns the sum; n is a positive multiple of 8.
func expSum() {
	text("func expSumAVX2(x *float32, n int64, sub, scale float32) float32", "expSumAVX2", 28)
	op("MOVQ x+0(FP), SI")
	op("MOVQ n+8(FP), CX")
	op("VBROADCASTSS sub+16(FP), Y15")
	op("VBROADCASTSS scale+20(FP), Y14")
	expSetup()
	op("VXORPS Y6, Y6, Y6")
	op("XORQ AX, AX")
	label("loop")
	op("VMOVUPS (SI)(AX*4), Y0")
	op("VSUBPS Y15, Y0, Y0")
	op("VMULPS Y14, Y0, Y0")
	expBody()
	op("VMOVUPS Y0, (SI)(AX*4)")
	op("VADDPS Y0, Y6, Y6")
	op("ADDQ $8, AX")
	op("CMPQ AX, CX")
	op("JLT loop")
	op("VEXTRACTF128 $1, Y6, X0")
	op("VADDPS X0, X6, X6")
	op("VHADDPS X6, X6, X6")
	op("VHADDPS X6, X6, X6")
	op("VMOVSS X6, ret+24(FP)")
	op("VZEROUPPER")
	op("RET")
}

// swiglu writes s = sigmoid(g), y = g·s·u; s may be the same memory as y only
// when the caller does not need it. n is a positive multiple of 8.
func swiglu() {
	text("func swigluAVX2(gate, u, s, y *float32, n int64)", "swigluAVX2", 40)
	op("MOVQ gate+0(FP), SI")
	op("MOVQ u+8(FP), DI")
	op("MOVQ s+16(FP), R8")
	op("MOVQ y+24(FP), R9")
	op("MOVQ n+32(FP), CX")
	expSetup()
	op("VXORPS Y14, Y14, Y14")
	op("XORQ AX, AX")
	label("loop")
	op("VMOVUPS (SI)(AX*4), Y6")
	op("VSUBPS Y6, Y14, Y0")
	expBody()
	op("VADDPS Y8, Y0, Y0")
	op("VDIVPS Y0, Y8, Y0")
	op("VMULPS Y0, Y6, Y6")
	op("VMULPS (DI)(AX*4), Y6, Y6")
	op("VMOVUPS Y0, (R8)(AX*4)")
	op("VMOVUPS Y6, (R9)(AX*4)")
	op("ADDQ $8, AX")
	op("CMPQ AX, CX")
	op("JLT loop")
	op("VZEROUPPER")
	op("RET")
}

// swigluGrad writes dg = dy·u·s·(1+g·(1-s)) and du = dy·g·s.
func swigluGrad() {
	text("func swigluGradAVX2(gate, u, s, dy, dg, du *float32, n int64)", "swigluGradAVX2", 56)
	op("MOVQ gate+0(FP), SI")
	op("MOVQ u+8(FP), DI")
	op("MOVQ s+16(FP), R8")
	op("MOVQ dy+24(FP), R9")
	op("MOVQ dg+32(FP), R10")
	op("MOVQ du+40(FP), R11")
	op("MOVQ n+48(FP), CX")
	broadcast(cOne, "Y8")
	op("XORQ AX, AX")
	label("loop")
	op("VMOVUPS (SI)(AX*4), Y0")
	op("VMOVUPS (R8)(AX*4), Y1")
	op("VMULPS (R9)(AX*4), Y1, Y2")
	op("VMULPS Y0, Y2, Y3")
	op("VMOVUPS Y3, (R11)(AX*4)")
	op("VSUBPS Y1, Y8, Y4")
	op("VFMADD213PS Y8, Y0, Y4")
	op("VMULPS (DI)(AX*4), Y2, Y2")
	op("VMULPS Y4, Y2, Y2")
	op("VMOVUPS Y2, (R10)(AX*4)")
	op("ADDQ $8, AX")
	op("CMPQ AX, CX")
	op("JLT loop")
	op("VZEROUPPER")
	op("RET")
}

// adamW writes one AdamW update. par holds, in this order: gradient scale,
// beta1, 1-beta1, beta2, 1-beta2, 1/(1-beta1^t), 1/(1-beta2^t), epsilon,
// learning rate, learning rate times weight decay. n is a positive multiple of 8.
func adamW() {
	text("func adamWAVX2(p, grad, m, v *float32, n int64, par *float32)", "adamWAVX2", 48)
	op("MOVQ p+0(FP), SI")
	op("MOVQ grad+8(FP), DI")
	op("MOVQ m+16(FP), R8")
	op("MOVQ v+24(FP), R9")
	op("MOVQ n+32(FP), CX")
	op("MOVQ par+40(FP), DX")
	for i := range 10 {
		op("VBROADCASTSS %d(DX), Y%d", 4*i, 6+i)
	}
	op("XORQ AX, AX")
	label("loop")
	op("VMULPS (DI)(AX*4), Y6, Y0")
	op("VMULPS (R8)(AX*4), Y7, Y1")
	op("VFMADD231PS Y0, Y8, Y1")
	op("VMOVUPS Y1, (R8)(AX*4)")
	op("VMULPS Y0, Y0, Y0")
	op("VMULPS (R9)(AX*4), Y9, Y2")
	op("VFMADD231PS Y0, Y10, Y2")
	op("VMOVUPS Y2, (R9)(AX*4)")
	op("VMULPS Y12, Y2, Y2")
	op("VSQRTPS Y2, Y2")
	op("VADDPS Y13, Y2, Y2")
	op("VMULPS Y11, Y1, Y1")
	op("VDIVPS Y2, Y1, Y1")
	op("VMOVUPS (SI)(AX*4), Y3")
	op("VMULPS Y15, Y3, Y4")
	op("VFMADD231PS Y1, Y14, Y4")
	op("VSUBPS Y4, Y3, Y3")
	op("VMOVUPS Y3, (SI)(AX*4)")
	op("ADDQ $8, AX")
	op("CMPQ AX, CX")
	op("JLT loop")
	op("VZEROUPPER")
	op("RET")
}
