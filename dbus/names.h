/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every name that keyturn shows on a bus, in one place. Others script against them: they do not change. */
#pragma once

#define KT_BUS_NAME "org.keyturn1"
#define KT_OBJECT_PATH "/org/keyturn1"
#define KT_INTEGRATION_PREFIX "/org/keyturn1/integration"

#define KT_MANAGER_INTERFACE "org.keyturn1.Manager"
#define KT_INTEGRATION_INTERFACE "org.keyturn1.Integration"

/* Between keyturnd and its helper processes, over a socketpair. */
#define KT_HELPER_PATH "/org/keyturn1/helper"
#define KT_PROVIDER_INTERFACE "org.keyturn1.Provider"
#define KT_KEYRING_INTERFACE "org.keyturn1.Keyring"

#define KT_ERROR_ACCESS_DENIED "org.freedesktop.DBus.Error.AccessDenied"
#define KT_ERROR_INVALID_ARGS "org.freedesktop.DBus.Error.InvalidArgs"
#define KT_ERROR_FAILED "org.freedesktop.DBus.Error.Failed"
#define KT_ERROR_NO_SUCH_INTEGRATION "org.keyturn1.Error.NoSuchIntegration"
#define KT_ERROR_EXISTS "org.keyturn1.Error.Exists"
#define KT_ERROR_NO_KEY "org.keyturn1.Error.NoKey"
#define KT_ERROR_KEYRING_LOCKED "org.keyturn1.Error.KeyringLocked"
#define KT_ERROR_KEYRING_ABSENT "org.keyturn1.Error.KeyringAbsent"
#define KT_ERROR_INVALID_KEY "org.keyturn1.Error.InvalidKey"
#define KT_ERROR_WRONG_ENVIRONMENT "org.keyturn1.Error.WrongEnvironment"
#define KT_ERROR_UNREACHABLE "org.keyturn1.Error.Unreachable"
#define KT_ERROR_REFUSED "org.keyturn1.Error.Refused"
#define KT_ERROR_BUSY "org.keyturn1.Error.Busy"
#define KT_ERROR_HELD "org.keyturn1.Error.Held"
#define KT_ERROR_IN_USE "org.keyturn1.Error.InUse"
#define KT_ERROR_NO_MANAGEMENT_KEY "org.keyturn1.Error.NoManagementKey"

/* The secrets' schema in the Secret Service, and its attributes. */
#define KT_SECRET_SCHEMA "org.keyturn1.Key"
#define KT_ATTRIBUTE_INTEGRATION "integration"
#define KT_ATTRIBUTE_ENVIRONMENT "environment"
#define KT_ATTRIBUTE_KEY_ID "key-id"
#define KT_ATTRIBUTE_MANAGEMENT "management"
