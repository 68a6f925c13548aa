"""Attributes of a person that would tell who it is: a name, an address, a date of birth. Known by what they are called.

Attributes of intake go into exports beside the pseudonym. What is in a column cannot be judged, what it is called can.
"""

from __future__ import annotations

import re
import unicodedata

_NAME = "a name"
_MAIL = "an e-mail address"
_BIRTH = "a date of birth"
_PHONE = "a telephone number"
_ADDRESS = "an address"

_WORDS = {
    _NAME: "name names surname surnames forename forenames firstname lastname givenname familyname middlename fullname "
    "maidenname nickname username vorname vornamen nachname nachnamen familienname zuname geburtsname nom noms prenom "
    "prenoms nombre nombres apellido apellidos initials initialen",
    _MAIL: "email emails mail emailaddress mailadresse correo courriel",
    _BIRTH: "birth birthday birthdate birthyear dob dateofbirth born geburtsdatum geburtstag geburtsjahr geburt "
    "geboren naissance nacimiento",
    _PHONE: "phone phones telephone telephones tel cell cellphone mobile mobilephone phonenumber telefon telefonnummer "
    "handy handynummer mobil telefono fax",
    _ADDRESS: "address addresses adresse anschrift direccion street strasse rue calle postcode postal postalcode zip "
    "zipcode plz",
}
_MEANT = {word: what for what, words in _WORDS.items() for word in words.split()}
_INSTEAD = {
    _NAME: "Put names into the column 'name', which no export has, or leave it out.",
    _MAIL: "Put the address into the column 'email', which no pseudonymised export has, or leave it out.",
    _BIRTH: "Leave it out, or give a group instead, for example 'age_group'.",
    _PHONE: "Leave it out.",
    _ADDRESS: "Leave it out; a place of work can stand in 'employer', which no pseudonymised export has.",
}


def identifying_problem(column: str) -> str:
    """Why a column (or an attribute) so called cannot be an attribute of intake; "" where it can."""
    for word in _words(column):
        if what := _MEANT.get(word):
            return (
                f"The column '{column[:100]}' says {what}, and other columns than those of the profile go into exports "
                f"beside the pseudonym. {_INSTEAD[what]}"
            )
    return ""


def _words(column: str) -> list[str]:
    """Each word of it in lower case without accents, and all of them in one: givenName, GIVEN_NAME, "given name"."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    plain = unicodedata.normalize("NFKD", parted.casefold()).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z]+", plain)
    return [*words, "".join(words)]
