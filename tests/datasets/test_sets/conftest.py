"""Small copies of test sets in their layouts."""

import openpyxl
import pytest
import scipy.io


@pytest.fixture
def save_sheet(tmp_path):
    """Save rows as a sheet of an .xlsx file below tmp_path."""

    def save(name, rows, sheet="Sheet1"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        book = openpyxl.Workbook()
        book.active.title = sheet
        for row in rows:
            book.active.append(row)
        book.save(path)
        return path

    return save


@pytest.fixture
def save_mat(tmp_path):
    """Save variables as a MATLAB file below tmp_path; a list of texts becomes a cell array."""

    def save(name, **variables):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        scipy.io.savemat(path, variables)
        return path

    return save
