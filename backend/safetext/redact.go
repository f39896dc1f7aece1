package safetext

import (
	"regexp"
	"strings"
)

// Hidden stands where [Redact] took a secret out.
const Hidden = "[hidden]"

// secret is one kind of secret. The pattern is only tried on text that holds
// one of the hints; hints are lower case.
type secret struct {
	hints   []string
	pattern *regexp.Regexp
	with    string
}

var secrets = []secret{
	{ // a private key, up to its end or the end of what is there
		[]string{"private key"},
		regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)`),
		Hidden,
	},
	{ // access key ids: long-term and session
		[]string{"akia", "asia"},
		regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`),
		"${1}" + Hidden,
	},
	{ // tokens that carry their issuer's prefix
		[]string{"hf_", "ghp_", "gho_", "ghs_", "github_pat_", "xox", "sk-", "glpat-"},
		regexp.MustCompile(`\b(hf_|gh[pousr]_|github_pat_|xox[abprs]-|sk-|glpat-)[A-Za-z0-9_-]{16,}`),
		"${1}" + Hidden,
	},
	{ // HTTP authorization
		[]string{"bearer", "basic"},
		regexp.MustCompile(`(?i)\b(bearer|authorization: *basic)( +)[A-Za-z0-9._~+/=-]{8,}`),
		"${1}${2}" + Hidden,
	},
	{ // user:password@ in an address
		[]string{"://"},
		regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://[^\s/?#:@]*:)[^\s/?#@]+@`),
		"${1}" + Hidden + "@",
	},
	{ // signed addresses and requests
		[]string{"signature=", "x-amz-security-token", "x-amz-credential"},
		regexp.MustCompile(`(?i)\b((?:x-amz-)?signature|x-amz-security-token|x-amz-credential)(=|: *)[^\s&"',]+`),
		"${1}${2}" + Hidden,
	},
}

// Redact masks what looks like a secret: AWS access keys, secret keys and
// session tokens, Hugging Face and similar tokens, bearer tokens, private keys,
// passwords in addresses, signatures of signed addresses. It finds secrets by
// their form or by the name in front of them; one that has neither stays.
// Text without any is returned as it is.
func Redact(s string) string {
	for i := range secrets {
		k := &secrets[i]
		for _, h := range k.hints {
			if containsFold(s, h) {
				s = k.pattern.ReplaceAllString(s, k.with)
				break
			}
		}
	}
	return maskNamed(s)
}

// secretNames are the ends of names whose value is a secret, lower case with
// "-" as "_". A plain "token" is none: tokenizers have many.
var secretNames = []string{
	"secret", "secret_key", "secretkey", "secret_access_key", "secretaccesskey", "client_secret",
	"password", "passwd", "api_key", "apikey", "private_key", "account_key",
	"session_token", "sessiontoken", "security_token", "access_token", "auth_token", "refresh_token",
	"api_token", "id_token", "hf_token", "hub_token", "github_token", "wandb_token",
}

// maskNamed masks the values of name = value, name: value and "name": "value"
// where the name says that it is a secret and the value has at least 8 bytes.
func maskNamed(s string) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '=' && c != ':' || i < done || !namesSecret(s[:i]) {
			continue
		}
		from := i + 1
		for from < len(s) && (s[from] == ' ' || s[from] == '"' || s[from] == '\'') {
			from++
		}
		to := from
		for to < len(s) && !strings.ContainsRune(" \t\n\r\"',;&", rune(s[to])) && !strings.HasPrefix(s[to:], "⏎") {
			to++
		}
		if to-from < 8 {
			continue
		}
		b.WriteString(s[done:from])
		b.WriteString(Hidden)
		done = to
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// namesSecret reports whether s ends with a name, possibly quoted, from
// secretNames.
func namesSecret(s string) bool {
	s = strings.TrimRight(s, " \"'")
	if s == "" || !strings.ContainsRune("tdynTDYN", rune(s[len(s)-1])) {
		return false // no name in the list ends so
	}
	const longest = len("secret_access_key")
	tail := strings.ReplaceAll(strings.ToLower(s[max(0, len(s)-longest-1):]), "-", "_")
	for _, n := range secretNames {
		if strings.HasSuffix(tail, n) {
			return true
		}
	}
	return false
}

// containsFold reports whether s contains sub, which is lower-case ASCII, in
// any case.
func containsFold(s, sub string) bool {
	lo, up := sub[0], sub[0]
	if lo >= 'a' && lo <= 'z' {
		up -= 'a' - 'A'
	}
	for i := 0; i+len(sub) <= len(s); i++ {
		if b := s[i]; (b == lo || b == up) && strings.EqualFold(s[i:i+len(sub)], sub) {
			return true
		}
	}
	return false
}
