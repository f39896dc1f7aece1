package wire

import "strings"

const mismatchText = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method."

// answer words a refusal as the service does. detail is what each kind needs:
// a sentence, the key id, the right scope, or "request time|server time".
func answer(service string, why refusal, detail string) *Error {
	switch protocolOf(service) {
	case protoXML:
		return answerS3(why, detail)
	case protoQuery, protoEC2:
		return answerQuery(why, detail)
	}
	status := 403
	if protocolOf(service) == protoJSON {
		status = 400 // awsJson services answer every client error with 400
	}
	switch why {
	case refusedMissing:
		return Errorf(status, "MissingAuthenticationTokenException", "Missing Authentication Token")
	case refusedIncomplete:
		return Errorf(400, "IncompleteSignatureException", "%s.", detail)
	case refusedKey:
		return Errorf(status, "UnrecognizedClientException", "The security token included in the request is invalid.")
	case refusedScope:
		return Errorf(status, "InvalidSignatureException", "Credential should be scoped to correct service: '%s'.", detail)
	case refusedTooOld, refusedExpiredURL, refusedTooNew:
		return Errorf(status, "InvalidSignatureException", "%s", skewText(why, detail))
	}
	return Errorf(status, "InvalidSignatureException", "%s%s", detail, mismatchText)
}

func answerQuery(why refusal, detail string) *Error {
	switch why {
	case refusedMissing:
		return Errorf(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
	case refusedIncomplete:
		return Errorf(400, "IncompleteSignature", "%s.", detail)
	case refusedKey:
		return Errorf(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	case refusedScope:
		return Errorf(403, "SignatureDoesNotMatch", "Credential should be scoped to correct service: '%s'.", detail)
	case refusedTooOld, refusedExpiredURL, refusedTooNew:
		return Errorf(403, "SignatureDoesNotMatch", "%s", skewText(why, detail))
	}
	return Errorf(403, "SignatureDoesNotMatch", "%s%s", detail, mismatchText)
}

func answerS3(why refusal, detail string) *Error {
	switch why {
	case refusedMissing:
		return Errorf(403, "AccessDenied", "Access Denied")
	case refusedIncomplete:
		return Errorf(400, "AuthorizationHeaderMalformed", "The authorization header is malformed; %s.", detail)
	case refusedKey:
		e := Errorf(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
		e.Fields = map[string]any{"AWSAccessKeyId": detail}
		return e
	case refusedScope:
		return Errorf(400, "AuthorizationHeaderMalformed",
			"The authorization header is malformed; incorrect service. This endpoint belongs to %q.", detail)
	case refusedExpiredURL:
		e := Errorf(403, "AccessDenied", "Request has expired")
		_, server, _ := strings.Cut(detail, "|")
		e.Fields = map[string]any{"ServerTime": server}
		return e
	case refusedTooOld, refusedTooNew:
		e := Errorf(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
		request, server, _ := strings.Cut(detail, "|")
		e.Fields = map[string]any{"RequestTime": request, "ServerTime": server,
			"MaxAllowedSkewMilliseconds": maxSkewS3.Milliseconds()}
		return e
	}
	return Errorf(403, "SignatureDoesNotMatch", "%s%s", detail, mismatchText)
}

func skewText(why refusal, detail string) string {
	request, server, _ := strings.Cut(detail, "|")
	if why == refusedTooNew {
		return "Signature not yet current: " + request + " is still later than " + server + " + 5 min. Check the clock of this machine."
	}
	return "Signature expired: " + request + " is now earlier than " + server + " - 5 min. Check the clock of this machine."
}
