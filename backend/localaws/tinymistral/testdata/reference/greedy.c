/* Greedy decoding at the base model's shape, as plain C, to compare the Go
 * engine with what a compiler makes of the obvious loops.
 *
 *   gcc -O3 -march=native -ffast-math greedy.c -o greedy -lm && ./greedy
 *
 * Random float32 weights, a KV cache, prompt of 24 tokens (one by one), then
 * 100 tokens, as in BenchmarkGreedy. It prints tokens per second of processor
 * time. The prompt's work is inside the time here as it is in the benchmark. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { D = 128, F = 384, L = 4, H = 4, KV = 2, HD = 32, V = 2048, T = 512, KVD = KV * HD };

typedef struct {
	float n1[D], q[D * D], k[KVD * D], v[KVD * D], o[D * D], n2[D], g[F * D], u[F * D], d[D * F];
} layer;

static layer *w;
static float *embed, norm[D];
static float kc[L][T][KVD], vc[L][T][KVD], cs[T][HD / 2], sn[T][HD / 2];
static float logits[V];

static float random_weight(void) { return ((float)rand() / RAND_MAX - 0.5f) * 0.1f; }

static void matvec(const float *m, const float *x, float *y, int rows, int cols) {
	for (int i = 0; i < rows; i++) {
		float s = 0;
		for (int j = 0; j < cols; j++) s += m[i * cols + j] * x[j];
		y[i] = s;
	}
}

static void rms(const float *x, const float *g, float *y) {
	float s = 0;
	for (int i = 0; i < D; i++) s += x[i] * x[i];
	s = 1 / sqrtf(s / D + 1e-5f);
	for (int i = 0; i < D; i++) y[i] = x[i] * s * g[i];
}

static void rope(float *x, int heads, int t) {
	for (int h = 0; h < heads; h++, x += HD)
		for (int i = 0; i < HD / 2; i++) {
			float a = x[i], b = x[i + HD / 2];
			x[i] = a * cs[t][i] - b * sn[t][i];
			x[i + HD / 2] = b * cs[t][i] + a * sn[t][i];
		}
}

static void step(int token, int t) {
	float x[D], n[D], q[D], att[D], g[F], u[F], p[T];
	memcpy(x, embed + token * D, sizeof x);
	for (int l = 0; l < L; l++) {
		rms(x, w[l].n1, n);
		matvec(w[l].q, n, q, D, D);
		matvec(w[l].k, n, kc[l][t], KVD, D);
		matvec(w[l].v, n, vc[l][t], KVD, D);
		rope(q, H, t);
		rope(kc[l][t], KV, t);
		for (int h = 0; h < H; h++) {
			int at = h / (H / KV) * HD;
			float top = -1e30f, sum = 0;
			for (int j = 0; j <= t; j++) {
				float s = 0;
				for (int c = 0; c < HD; c++) s += q[h * HD + c] * kc[l][j][at + c];
				p[j] = s / sqrtf(HD);
				if (p[j] > top) top = p[j];
			}
			for (int j = 0; j <= t; j++) sum += p[j] = expf(p[j] - top);
			float *out = att + h * HD;
			memset(out, 0, HD * sizeof *out);
			for (int j = 0; j <= t; j++)
				for (int c = 0; c < HD; c++) out[c] += p[j] / sum * vc[l][j][at + c];
		}
		matvec(w[l].o, att, n, D, D);
		for (int i = 0; i < D; i++) x[i] += n[i];
		rms(x, w[l].n2, n);
		matvec(w[l].g, n, g, F, D);
		matvec(w[l].u, n, u, F, D);
		for (int i = 0; i < F; i++) g[i] = g[i] / (1 + expf(-g[i])) * u[i];
		matvec(w[l].d, g, n, D, F);
		for (int i = 0; i < D; i++) x[i] += n[i];
	}
	rms(x, norm, n);
	matvec(embed, n, logits, V, D);
}

int main(void) {
	w = malloc(L * sizeof *w);
	embed = malloc(V * D * sizeof *embed);
	for (size_t i = 0; i < L * sizeof *w / sizeof(float); i++) ((float *)w)[i] = random_weight();
	for (int i = 0; i < V * D; i++) embed[i] = random_weight();
	for (int i = 0; i < D; i++) norm[i] = 1;
	for (int t = 0; t < T; t++)
		for (int i = 0; i < HD / 2; i++) {
			double a = t * pow(10000, -2.0 * i / HD);
			cs[t][i] = cos(a), sn[t][i] = sin(a);
		}
	int made = 0, check = 0;
	clock_t start = clock();
	while (clock() - start < 2 * CLOCKS_PER_SEC) {
		for (int t = 0, token = 0; t < 124; t++) {
			step(token, t);
			if (t < 23) continue;
			token = 0;
			for (int i = 1; i < V; i++)
				if (logits[i] > logits[token]) token = i;
			made++, check += token;
		}
	}
	printf("%.0f tokens per core-second (%d)\n", made / ((double)(clock() - start) / CLOCKS_PER_SEC), check % 10);
}
