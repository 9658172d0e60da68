/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The entries that the journal's catalogue (systemd/keyturn.catalog) explains. They never change. */
#pragma once

#define MESSAGE_FETCHED "a6fcb75540a642d483eed8a1bd7febf1"   /* a key was handed out */
#define MESSAGE_REFUSED "fc41fe7e302c4f8785cd7ea6d146a80d"   /* somebody was refused */
#define MESSAGE_ROTATION "4591122a1c214fcd96ebaac4f9a34bdf"  /* a rotation is in another state */
#define MESSAGE_HELD "9181510ee3b64af1b62dde5ad5b8373b"      /* a rotation is held until a person decides */
#define MESSAGE_ATTENTION "73fd2262f5484920acf7bf10e93adc93" /* an integration wants a person */
#define MESSAGE_KEYRING_READY "6477ae4d63a24c79adc37b213dc6956f"  /* the keyring can be used */
#define MESSAGE_KEYRING_AWAY "4eb1d97982704f1485370aa7b6655f86"   /* the keyring is locked or absent */
#define MESSAGE_RECOVERED "837a17e3fc9d4b5382f23c7c1974b0a1"      /* a lost or damaged ledger was made good */
#define MESSAGE_MANAGEMENT_KEY "65acd441b8484eb4b7b62c7697bc6193" /* a management key wants a person */
#define MESSAGE_LEDGER_TROUBLE "f325dc822ed643fa84fc758595885cca" /* the ledger can't be written or read */
#define MESSAGE_FILE_TROUBLE "d4d20dae53f345ce947d90fbffbe5ce1"   /* a file of settings can't be taken in */
#define MESSAGE_ENDED "e0cbd64ef6f947769489e15039ecdeaf"          /* keyturnd can't go on */
