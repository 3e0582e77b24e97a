"""The table of Keras's public names is true."""

from tests.conformance import api


def test_the_table_of_public_names_is_that_of_this_code():
    assert api.page(api.rows()) == api.DOCUMENT.read_text()


def test_a_name_that_is_not_there_is_seen():
    import etude

    assert api.has(etude, "keras.layers.Dense")
    assert not api.has(etude, "keras.layers.Dens")
