/*
 * A PKCS#11 library that hands every call to the library in TROUBLED_LIBRARY, and makes the
 * trouble that the file in TROUBLED_FILE asks for at that moment. Each login is noted in the
 * file's companion, so that tests can count them.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CK_PTR *
#define CK_DECLARE_FUNCTION(type, name) type name
#define CK_DECLARE_FUNCTION_POINTER(type, name) type(*name)
#define CK_CALLBACK_FUNCTION(type, name) type(*name)
#ifndef NULL_PTR
#define NULL_PTR 0
#endif
#include "pkcs11.h"

static CK_FUNCTION_LIST list;
static CK_FUNCTION_LIST_PTR real;

static int wanted(const char *trouble)
{
	char text[256] = {0};
	int file = open(getenv("TROUBLED_FILE"), O_RDONLY);
	if (file < 0)
		return 0;
	if (read(file, text, sizeof text - 1) < 0)
		text[0] = 0;
	close(file);
	return strstr(text, trouble) != NULL;
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
	CK_RV rv = real->C_GetTokenInfo(slot, info);
	if (wanted("final-try"))
		info->flags |= CKF_USER_PIN_FINAL_TRY;
	if (wanted("locked"))
		info->flags |= CKF_USER_PIN_LOCKED;
	if (wanted("pin-pad"))
		info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
	return rv;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length)
{
	char path[512];
	snprintf(path, sizeof path, "%s.logins", getenv("TROUBLED_FILE"));
	int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (file < 0 || write(file, "x", 1) != 1)
		abort();
	close(file);
	if (wanted("crash-at-login"))
		abort();
	if (wanted("device-error-at-login"))
		return CKR_DEVICE_ERROR;
	return real->C_Login(session, user, pin, length);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR signature, CK_ULONG_PTR signature_length)
{
	while (wanted("hang"))
		usleep(10000);
	if (wanted("crash-at-sign"))
		abort();
	if (wanted("once-device-removed")) {
		unlink(getenv("TROUBLED_FILE"));
		return CKR_DEVICE_REMOVED;
	}
	CK_RV rv = real->C_Sign(session, data, length, signature, signature_length);
	if (rv == CKR_OK && signature && wanted("wrong-signature"))
		signature[20] ^= 1;
	return rv;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR functions)
{
	void *library = dlopen(getenv("TROUBLED_LIBRARY"), RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
	if (!get || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	list = *real;
	list.C_GetTokenInfo = token_info;
	list.C_Login = login;
	list.C_Sign = sign;
	*functions = &list;
	return CKR_OK;
}
